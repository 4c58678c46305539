import type { NanoUsd } from './money.ts'

/** Where a price came from. */
export type PriceSource = 'configuration' | 'library' | 'local'

/** What images and audio cost. What is null is not known, and never stands for nothing. */
export interface MediaPrice {
  /** Nano-USD per million tokens of pictures or audio, where they differ from those of other tokens. */
  readonly inputPerMillion: NanoUsd | null
  readonly outputPerMillion: NanoUsd | null
  /** Nano-USD per image of a kind: `size`, `quality` or `quality/size`. */
  readonly images: ReadonlyMap<string, NanoUsd>
  /** Nano-USD per image of any other kind. */
  readonly image: NanoUsd | null
  /** Nano-USD per hour of audio, heard or spoken. */
  readonly audioHour: NanoUsd | null
  /** Nano-USD per million characters spoken. */
  readonly charactersPerMillion: NanoUsd | null
}

/** What a model costs: nano-USD per million tokens, and nano-USD per request. */
export interface Price {
  readonly inputPerMillion: NanoUsd
  readonly cachedInputPerMillion: NanoUsd
  /** Input written to the provider's cache, and input kept there for an hour. */
  readonly cacheWritePerMillion: NanoUsd
  readonly cacheWriteHourPerMillion: NanoUsd
  readonly outputPerMillion: NanoUsd
  readonly perRequest: NanoUsd
  /** Nothing is known of tokens: the rates above are 0 without meaning that. */
  readonly lacksTokens?: true
  readonly media?: MediaPrice
  readonly source: PriceSource
  /** Version of the source, kept with every ledger row it priced. */
  readonly version: string
}
