import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import type { Usage } from '../../domain/usage.ts'
import { needsTokens } from './media-price.ts'
import { costOf, type Rates, ratesFor, worstCase } from './price.ts'
import { createPrices, type PricesOptions } from './prices.ts'

/** What the use of models costs. */
export interface Metering {
  /** The price of an operation at a target, at a time in milliseconds since the epoch; null when nobody knows one. */
  priceOf(target: Target, at: number, operation: Operation): Price | null
  /** Exact cost of what was used, rounded up once. */
  costOf(price: Price, usage: Usage): NanoUsd
  /** Most a call can cost with an output of `outputTokens` per choice. */
  worstCase(price: Price, request: InferenceRequest, outputTokens: number): NanoUsd
  /** Whether a call is paid by its tokens, which must then be known. */
  needsTokens(price: Price, operation: Operation): boolean
  /** The token rates of a call with so many input tokens. */
  ratesFor(price: Price, inputTokens: number): Rates
}

/** Builds the meter. Prices come from the configuration and the installed library; nothing is fetched. */
export const createMetering = (options: PricesOptions): Metering => ({
  priceOf: createPrices(options),
  costOf,
  worstCase,
  needsTokens,
  ratesFor,
})
