import type { Clock } from './clock.ts'
import type { Correction, CounterRule, Decision } from './counters.ts'
import type { CounterStore } from './counters.shared-store.ts'

/** Most windows that are remembered, and most corrections that are kept; beyond them the oldest is forgotten. */
const MOST_KEPT = 50_000

/** A correction, and whose units it corrects. */
export type HeldCorrection = Correction & { readonly holder: string }

/** What the shared store is still to be told. */
export interface Corrections {
  /** Sends a correction soon; while the store is away it is kept. */
  add(correction: HeldCorrection): void
  /** Notes what sliding windows gave away here in an allowed decision: the store is told when it is back. */
  owe(rules: readonly CounterRule[], decision: Decision): void
  /** The store is back: everything is sent. */
  resume(): void
  /** Forgets what has left its window. */
  tidy(): void
}

export interface CorrectionsOptions {
  readonly store: CounterStore
  readonly clock: Clock
  readonly isUsable: () => boolean
  readonly onLost: (error: unknown) => void
}

const isPlace = ({ limit }: HeldCorrection): boolean => limit.algorithm === 'concurrency'

/** Sends corrections, and keeps them while the store is away. Nothing is given back there that was not counted there. */
export const createCorrections = ({ store, clock, isUsable, onLost }: CorrectionsOptions): Corrections => {
  let pending: HeldCorrection[] = []
  /** Of units that the store counted. */
  let kept: HeldCorrection[] = []
  /** What windows gave away here, in the order of time. */
  const owed = new Map<string, HeldCorrection>()
  /** The latest of it that the store was told of, by window. */
  const told = new Map<string, HeldCorrection>()

  const remember = (all: Map<string, HeldCorrection>, correction: HeldCorrection): void => {
    all.delete(correction.key)
    if (all.size >= MOST_KEPT) all.delete(all.keys().next().value as string)
    all.set(correction.key, correction)
  }

  /** Whether the store counted the units; what a bucket gave here is told by what is known to be in use. */
  const isCounted = (correction: HeldCorrection): boolean => {
    const { key, limit, change, taken } = correction
    if (change > 0 || isPlace(correction) || taken.store !== null) return true
    return limit.algorithm === 'sliding_window' && taken.at <= (told.get(key)?.taken.at ?? Number.NEGATIVE_INFINITY)
  }

  const hasLeft = ({ limit, taken }: HeldCorrection, now: number): boolean =>
    limit.algorithm !== 'concurrency' && taken.at + limit.windowMs < now

  const keep = (correction: HeldCorrection): void => {
    const { key, limit, change, taken } = correction
    const before = owed.get(key)
    const isHere =
      limit.algorithm === 'sliding_window' && (change > 0 || (before !== undefined && taken.store === null))
    if (!isHere) {
      if (change > 0 || !isCounted(correction)) return
      if (kept.length >= MOST_KEPT) kept.shift()
      kept.push(correction)
      return
    }
    const whole = change + (before?.change ?? 0)
    // What is taken counts from the later time: that lets no more through.
    const latest = before !== undefined && (change < 0 || before.taken.at > taken.at) ? before.taken : taken
    if (whole > 0) remember(owed, { ...correction, change: whole, taken: { ...latest, store: null }, holder: '' })
    else owed.delete(key)
  }

  const transmit = (batch: readonly HeldCorrection[], tells: readonly HeldCorrection[]): void => {
    if (batch.length === 0) return
    const now = clock.monotonic()
    store.correct(batch.map((correction) => ({ ...correction, ageMs: now - correction.taken.at }))).then(
      () => {
        for (const correction of tells) remember(told, correction)
      },
      (error: unknown) => {
        // A place can be given back twice; for units, nobody knows whether it was done.
        for (const correction of batch) if (isPlace(correction)) keep(correction)
        onLost(error)
      },
    )
  }

  const send = (): void => {
    const batch = pending
    pending = []
    if (isUsable()) transmit(batch.filter(isCounted), [])
    else for (const correction of batch) keep(correction)
  }

  return {
    add: (correction) => {
      if (pending.length === 0) setImmediate(send)
      pending.push(correction)
    },
    owe: (rules, { standings, taken }) => {
      rules.forEach(({ key, limit, cost }, index) => {
        if (limit.algorithm === 'sliding_window' && standings[index]?.retryAfterMs === 0)
          keep({ key, limit, change: cost, taken, holder: '' })
      })
    },
    resume: () => {
      const now = clock.monotonic()
      const tells = [...owed.values()]
      owed.clear()
      const late = kept.filter((correction) => !hasLeft(correction, now))
      kept = []
      transmit([...tells, ...late], tells)
    },
    tidy: () => {
      const now = clock.monotonic()
      for (const all of [owed, told]) for (const [key, correction] of all) if (hasLeft(correction, now)) all.delete(key)
    },
  }
}
