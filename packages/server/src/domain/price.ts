import type { NanoUsd } from './money.ts'

/** Where a price came from. */
export type PriceSource = 'configuration' | 'library' | 'local'

/** What a model costs: nano-USD per million tokens, and nano-USD per request. */
export interface Price {
  readonly inputPerMillion: NanoUsd
  readonly cachedInputPerMillion: NanoUsd
  /** Input written to the provider's cache, and input kept there for an hour. */
  readonly cacheWritePerMillion: NanoUsd
  readonly cacheWriteHourPerMillion: NanoUsd
  readonly outputPerMillion: NanoUsd
  readonly perRequest: NanoUsd
  readonly source: PriceSource
  /** Version of the source, kept with every ledger row it priced. */
  readonly version: string
}
