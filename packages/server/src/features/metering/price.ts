import type { InferenceRequest } from '../../domain/inference.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import type { Usage } from '../../domain/usage.ts'
import { mediaCost, mediaWorstCase } from './media-price.ts'

/** What tokens cost: nano-USD per million. */
export interface Rates {
  readonly inputPerMillion: NanoUsd
  readonly cachedInputPerMillion: NanoUsd
  readonly cacheWritePerMillion: NanoUsd
  readonly cacheWriteHourPerMillion: NanoUsd
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

const dearestInput = (rates: Rates, forHour: boolean): NanoUsd =>
  largest(
    largest(rates.inputPerMillion, rates.cachedInputPerMillion),
    forHour ? rates.cacheWriteHourPerMillion : rates.cacheWritePerMillion,
  )

/** All ways in which a JSON text can write `1h` and `12h`: as they are, or with a character of theirs escaped. */
const hourMarks = ['1h"', '12h"', '\\u003', '\\u0068'].map((mark) => Buffer.from(mark))

/** Whether a request may ask its provider to keep input for an hour. Never a false no. */
const mayKeepForHour = (body: Buffer): boolean => hourMarks.some((mark) => body.includes(mark))

/** The rates of a call with so many input tokens. */
export const ratesFor = (price: Price, inputTokens: number): Rates => {
  let rates: Rates = price
  for (const step of stepsOf(price)) if (inputTokens > step.above) rates = step
  return rates
}

/**
 * Cost of what a call used, rounded up once: ceil((other input × rate + cached × rate + written to the cache × rate + output
 * × rate) / 10⁶), plus the price per request. Exact in integers.
 */
export const costOf = (price: Price, usage: Usage): NanoUsd => {
  const rates = ratesFor(price, usage.inputTokens)
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens)
  const written = Math.min(usage.cacheWriteInputTokens, usage.inputTokens - cached)
  let tokens =
    BigInt(usage.inputTokens - cached - written) * rates.inputPerMillion +
    BigInt(cached) * rates.cachedInputPerMillion +
    BigInt(usage.outputTokens) * rates.outputPerMillion
  if (written > 0) {
    const forHour = Math.min(usage.cacheWriteHourInputTokens, written)
    tokens += BigInt(written - forHour) * rates.cacheWritePerMillion + BigInt(forHour) * rates.cacheWriteHourPerMillion
  }
  if (usage.media === undefined) return roundUp(tokens) + price.perRequest
  const media = mediaCost(price, usage.media, usage.inputTokens - cached - written, usage.outputTokens)
  return roundUp(tokens + media.tokens) + media.units + price.perRequest
}

/**
 * Most a call can cost: the bound of its input at the dearest input rate, and `outputTokens` for each choice at the dearest
 * output rate. An embeddings call has no output; images and audio are bounded by what is asked for.
 */
export const worstCase = (price: Price, request: InferenceRequest, outputTokens: number): NanoUsd => {
  if (request.media !== undefined) return mediaWorstCase(price, request, outputTokens)
  const forHour = price.cacheWriteHourPerMillion > price.cacheWritePerMillion && mayKeepForHour(request.body)
  let input = dearestInput(price, forHour)
  let output = price.outputPerMillion
  for (const step of stepsOf(price)) {
    input = largest(input, dearestInput(step, forHour))
    output = largest(output, step.outputPerMillion)
  }
  const outputs = request.operation === 'embeddings' ? 0n : BigInt(Math.ceil(outputTokens)) * BigInt(request.choices)
  return roundUp(BigInt(Math.ceil(request.inputTokensBound)) * input + outputs * output) + price.perRequest
}
