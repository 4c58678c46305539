import type { Clock } from './clock.ts'
import { type Counters, type CounterRule, type Decision, hasToken, shareOf, standingOf } from './counters.ts'

const FIRST_SLOTS = 1024
const SWEEP_PAUSE_MS = 1000

/** Counters of this process alone, which can also stand in for shared ones. */
export interface MemoryCounters extends Counters {
  /** `replicas`: how many processes share the limits; this one then gives away its share. */
  take(rules: readonly CounterRule[], replicas?: number): Decision
  /** Milliseconds, from a time of the monotonic clock, until the bucket of `key` is full. */
  fullIn(key: string, at: number): number
  /** Notes what a shared bucket was found to need at a time of the monotonic clock. */
  note(key: string, at: number, fullInMs: number): void
}

/**
 * Counts in memory: 8 bytes and a map entry per bucket that is not full; full ones are forgotten. Holds at most `capacity`
 * buckets; beyond them the one known longest is forgotten, which gives its owner a fresh one.
 */
export const createMemoryCounters = ({
  clock,
  capacity = 200_000,
}: {
  clock: Clock
  capacity?: number
}): MemoryCounters => {
  const slots = new Map<string, number>()
  let fullAt = new Float64Array(Math.min(FIRST_SLOTS, capacity))
  const free: number[] = []
  let used = 0
  let sweptAt = Number.NEGATIVE_INFINITY

  const forget = (key: string, slot: number): void => {
    slots.delete(key)
    free.push(slot)
  }

  const sweep = (now: number): void => {
    sweptAt = now
    for (const [key, slot] of slots) if ((fullAt[slot] as number) <= now) forget(key, slot)
  }

  const makeRoom = (now: number): void => {
    if (now - sweptAt >= SWEEP_PAUSE_MS) sweep(now)
    if (free.length >= fullAt.length / 4) return
    if (fullAt.length < capacity) {
      const larger = new Float64Array(Math.min(fullAt.length * 2, capacity))
      larger.set(fullAt)
      fullAt = larger
    } else if (free.length === 0) {
      const [oldest] = slots
      if (oldest) forget(...oldest)
    }
  }

  const set = (key: string, now: number, value: number): void => {
    let slot = slots.get(key)
    if (slot === undefined) {
      if (free.length === 0 && used === fullAt.length) makeRoom(now)
      slot = free.pop() ?? used++
      slots.set(key, slot)
    }
    fullAt[slot] = value
  }

  const fullIn = (key: string, at: number): number => {
    const slot = slots.get(key)
    return slot === undefined ? 0 : Math.max(0, (fullAt[slot] as number) - at)
  }

  return {
    take: (rules, replicas = 1) => {
      const now = clock.monotonic()
      const needs: number[] = []
      let allowed = true
      for (const { key, bucket } of rules) {
        const need = fullIn(key, now)
        needs.push(need)
        if (!hasToken(shareOf(bucket, replicas), need)) allowed = false
      }
      const standings = rules.map(({ key, bucket }, index) => {
        const share = shareOf(bucket, replicas)
        let need = needs[index] as number
        const refused = !allowed && !hasToken(share, need)
        if (allowed) {
          need += share.intervalMs
          set(key, now, now + need)
        }
        return standingOf(share, need, refused)
      })
      return { allowed, standings }
    },
    fullIn,
    note: (key, at, fullInMs) => set(key, at, at + fullInMs),
    start: () => {},
    close: () => Promise.resolve(),
    health: () => ({ state: 'ok' }),
  }
}
