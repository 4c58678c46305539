import type { Correction, CounterRule, Limit } from './counters.ts'

/** How stores name an algorithm: a bucket is kept as the time at which it is full, a window as its parts. */
export const algorithmLetter = { token_bucket: 'b', sliding_window: 'w', concurrency: 'c' } as const

/** One rule of a question. What a bucket is known here to lack is the least that the store takes for it. */
export interface AskedRule extends CounterRule {
  readonly least: number
}

/** What the store found of one rule. Microseconds would be lost in floats of milliseconds, so these have a fraction. */
export interface Found {
  readonly used: number
  readonly resetMs: number
  /** 0 when it fits, infinite when it never can. */
  readonly retryAfterMs: number
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
  take(rules: readonly AskedRule[], holder: string, leaseMs: number): Promise<{ allowed: boolean; found: Found[] }>
  correct(corrections: readonly AgedCorrection[]): Promise<void>
  /** Keeps the holdings for `leaseMs` more. */
  renew(holdings: readonly Holding[], leaseMs: number): Promise<void>
  /** Says that this replica lives; resolves to how many do. */
  present(): Promise<number>
  /** Says that it leaves, and lets go of the connection. */
  close(): Promise<void>
}
