/** What a call consumed, in tokens. Cached input is part of the input, reasoning part of the output. */
export interface Usage {
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export const noUsage: Usage = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }

/**
 * How a logical request ended. `complete`: the terminal was reached; `failed`: the provider gave no answer at all;
 * `client_gone`, `upstream_cut`, `timeout`: ended on the way; `killed`: this process died, settled by its journal.
 */
export type Outcome = 'complete' | 'failed' | 'client_gone' | 'upstream_cut' | 'timeout' | 'killed'
