import type { MediaUsage } from './media.ts'

/** What a call consumed, in tokens. Cached input and cache writes are parts of the input, reasoning part of the output. */
export interface Usage {
  readonly inputTokens: number
  readonly cachedInputTokens: number
  /** Input that the provider wrote to its cache, which some charge more for. */
  readonly cacheWriteInputTokens: number
  /** The part of it that is kept for an hour, dearer still (Anthropic). */
  readonly cacheWriteHourInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Of a call for images or audio. */
  readonly media?: MediaUsage
}

export const noUsage: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  cacheWriteHourInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/**
 * How a logical request ended. `complete`: the terminal was reached; `failed`: the provider gave no answer at all;
 * `client_gone`, `upstream_cut`, `timeout`: ended on the way; `killed`: this process died, settled by its journal.
 */
export type Outcome = 'complete' | 'failed' | 'client_gone' | 'upstream_cut' | 'timeout' | 'killed'
