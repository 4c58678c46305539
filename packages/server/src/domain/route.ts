import type { Caller } from './caller.ts'
import type { Target } from './model.ts'

/** Words of the caller's own by which calls are told apart, from `x-headgate-tags`. */
export type Tags = ReadonlyMap<string, string>

export const noTags: Tags = new Map()

/** For whom a target is chosen. */
export interface Asker {
  readonly caller: Pick<Caller, 'models' | 'tier'>
  /** Client address; null where none is known. */
  readonly address: string | null
  readonly tags: Tags
}

/** Where a call may go. */
export interface Choice {
  /** In the order of tries; at least one. */
  readonly targets: readonly Target[]
  /** Why the first; null where the caller named it. */
  readonly reason: string | null
}

/** What speaks against a target. */
export interface Rejection {
  readonly model: string
  readonly reason: string
}

/** A choice, and what was not chosen. */
export interface ExplainedChoice extends Choice {
  readonly rejected: readonly Rejection[]
}
