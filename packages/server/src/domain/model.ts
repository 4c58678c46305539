import type { Operation } from './inference.ts'

/** Under which terms a model may be called here. */
export interface ModelTerms {
  /** null: nobody said. */
  readonly licence: string | null
  /** What is to be shown beside its answers. */
  readonly attribution: string | null
  /** The licences of the house leave it out. */
  readonly isRefused: boolean
}

/** One place where a model can be called. */
export interface Target {
  /** `provider/model`. */
  readonly name: string
  readonly provider: string
  /** The model as its provider names it. */
  readonly model: string
  readonly operations: readonly Operation[]
  /** Most tokens one answer can have; null when unknown. */
  readonly maxOutputTokens: number | null
  readonly contextTokens: number | null
  /** Absent: nothing is known of them, and nothing asked. */
  readonly terms?: ModelTerms
}
