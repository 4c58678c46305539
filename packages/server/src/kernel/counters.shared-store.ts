import type { Correction, CounterRule, Limit } from './counters.ts'

/** How stores name an algorithm: a bucket is kept as the time at which it is full, a window as its parts. */
export const algorithmLetter = { token_bucket: 'b', sliding_window: 'w', concurrency: 'c' } as const

/** One rule of a question. */
export interface AskedRule extends CounterRule {
  /** What a bucket is known here to lack. */
  readonly least: number
}

/** What is asked together: all is taken or nothing. */
export interface Question {
  readonly rules: readonly AskedRule[]
  readonly holder: string
  readonly leaseMs: number
  /**
   * The store's own time at which it was last heard. Where its count began later, or with 0, it may have forgotten, and takes what
   * buckets are known to lack for the least; else another replica may have given back since.
   */
  readonly heardAt: number
}

/** What the store says. */
export interface Answer {
  readonly allowed: boolean
  readonly found: Found[]
  /** The store's own time, in its own unit. */
  readonly at: number
  /** Its whole count began after it was last heard. */
  readonly isEmptied: boolean
}

/** What the store found of one rule. Microseconds would be lost in floats of milliseconds, so these have a fraction. */
export interface Found {
  readonly used: number
  readonly resetMs: number
  /** 0 when it fits, infinite when it never can. */
  readonly retryAfterMs: number
  /** Of a bucket: milliseconds that were ever given back. */
  readonly givenMs: number
}

/** A correction on its way: whose, and how long ago the units were taken. */
export interface AgedCorrection extends Correction {
  readonly holder: string
  readonly ageMs: number
}

/** A call under way that holds a place of a concurrency limit. */
export interface Holding {
  readonly key: string
  readonly limit: Limit
  readonly holder: string
}

/** A place where all replicas count together. Its methods reject when it is away; they need not bound their time. */
export interface CounterStore {
  /** As logs and health name it. */
  readonly name: string
  /** Connects; `onLost` may be called at any time later. Called again after a long silence. */
  open(onReady: () => void, onLost: (error: unknown) => void): void
  isReady(): boolean
  take(question: Question): Promise<Answer>
  /** Gives back in the part of the window in which the units were taken, and nothing that was taken before the count began. */
  correct(corrections: readonly AgedCorrection[]): Promise<void>
  /** Keeps the holdings for `leaseMs` more. */
  renew(holdings: readonly Holding[], leaseMs: number): Promise<void>
  /** Says that this replica lives; resolves to how many do. */
  present(): Promise<number>
  /** Says that it leaves, and lets go of the connection. */
  close(): Promise<void>
}
