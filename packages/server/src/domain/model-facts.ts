/** What a model takes or gives. */
export const modalities = ['text', 'image', 'audio', 'video', 'file', 'embedding'] as const
export type Modality = (typeof modalities)[number]

/** What is known of a model whoever offers it; null: nobody said, which is never a no. */
export interface ModelFacts {
  readonly input: readonly Modality[] | null
  readonly output: readonly Modality[] | null
  /** Most tokens of prompt and answer together. */
  readonly contextTokens: number | null
  /** Most tokens of one answer. */
  readonly maxOutputTokens: number | null
  readonly tools: boolean | null
  /** Whether it keeps to a JSON schema. */
  readonly structuredOutput: boolean | null
  readonly licence: string | null
  /** What is to be shown beside its answers, where the licence or the operator asks for it. */
  readonly attribution: string | null
}

/** Where facts were read, and when: a day such as `2026-11-27`. */
export interface FactSource {
  readonly facts: readonly (keyof ModelFacts)[]
  readonly url: string
  readonly read: string
}

/** The facts of one model, and where those come from that nobody configured. */
export interface SourcedFacts {
  readonly facts: ModelFacts
  readonly sources: readonly FactSource[]
}

export const noFacts: ModelFacts = {
  input: null,
  output: null,
  contextTokens: null,
  maxOutputTokens: null,
  tools: null,
  structuredOutput: null,
  licence: null,
  attribution: null,
}

/** How fast a model has answered lately, by the requests of this house. */
export interface ModelSpeed {
  /** When the last of the answers came; milliseconds since the epoch, to the minute or the hour. */
  readonly lastAt: number
  /** Whole answers of text that went well. */
  readonly answers: number
  /** Milliseconds to the first part of streams; null where there was none. */
  readonly firstToken: { readonly p50: number; readonly p95: number } | null
  /** Tokens of the answers by the seconds that they took, waiting included; null where none were counted. */
  readonly outputTokensPerSecond: number | null
}
