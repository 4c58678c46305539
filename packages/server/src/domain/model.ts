import type { Operation } from './inference.ts'

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
}
