import type { InferenceRequest } from '../../domain/inference.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import type { Usage } from '../../domain/usage.ts'

/** What tokens cost: nano-USD per million. */
export interface Rates {
  readonly inputPerMillion: NanoUsd
  readonly cachedInputPerMillion: NanoUsd
  readonly outputPerMillion: NanoUsd
}

/** Rates that hold for a whole call once its input is longer than `above` tokens. */
export interface PriceStep extends Rates {
  readonly above: number
}

/** A price that depends on the length of the input; its own rates are those of a short one. Steps rise. */
export interface SteppedPrice extends Price {
  readonly steps: readonly PriceStep[]
}

const perMillion = 1_000_000n

const stepsOf = (price: Price | SteppedPrice): readonly PriceStep[] => ('steps' in price ? price.steps : [])

const roundUp = (amount: bigint): NanoUsd => (amount + perMillion - 1n) / perMillion

const largest = (first: NanoUsd, second: NanoUsd): NanoUsd => (first > second ? first : second)

/** The rates of a call with so many input tokens. */
export const ratesFor = (price: Price, inputTokens: number): Rates => {
  let rates: Rates = price
  for (const step of stepsOf(price)) if (inputTokens > step.above) rates = step
  return rates
}

/**
 * Cost of what a call used, rounded up once: ceil((uncached input × rate + cached × rate + output × rate) / 10⁶), plus the
 * price per request. Exact in integers.
 */
export const costOf = (price: Price, usage: Usage): NanoUsd => {
  const rates = ratesFor(price, usage.inputTokens)
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens)
  const tokens =
    BigInt(usage.inputTokens - cached) * rates.inputPerMillion +
    BigInt(cached) * rates.cachedInputPerMillion +
    BigInt(usage.outputTokens) * rates.outputPerMillion
  return roundUp(tokens) + price.perRequest
}

/**
 * Most a call can cost: the bound of its input at the dearest input rate, and `outputTokens` for each choice at the dearest
 * output rate. An embeddings call has no output.
 */
export const worstCase = (price: Price, request: InferenceRequest, outputTokens: number): NanoUsd => {
  let input = largest(price.inputPerMillion, price.cachedInputPerMillion)
  let output = price.outputPerMillion
  for (const step of stepsOf(price)) {
    input = largest(input, largest(step.inputPerMillion, step.cachedInputPerMillion))
    output = largest(output, step.outputPerMillion)
  }
  const outputs = request.operation === 'embeddings' ? 0n : BigInt(Math.ceil(outputTokens)) * BigInt(request.choices)
  return roundUp(BigInt(Math.ceil(request.inputTokensBound)) * input + outputs * output) + price.perRequest
}
