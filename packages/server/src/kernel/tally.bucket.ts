import { bucketStanding, hasRoom, type Limit, returnableMs } from './counters.ts'
import type { Tally } from './tally.ts'

const FIRST_SLOTS = 1024
const MOST_GIVEN = 50_000
const SWEEP_PAUSE_MS = 1000

const intervalOf = ({ windowMs, quota }: Limit): number => windowMs / quota

/**
 * Token buckets: of each, the time at which it is full again (8 bytes and a map entry); full ones are forgotten. Beyond
 * `capacity` the bucket known longest is forgotten, which gives its owner a fresh one.
 */
export const createBucketTally = (capacity: number): Tally => {
  const slots = new Map<string, number>()
  let fullAt = new Float64Array(Math.min(FIRST_SLOTS, capacity))
  const free: number[] = []
  let taken = 0
  /** What was ever given back of a bucket, until whoever took of it before can have found it full. */
  const given = new Map<string, { readonly milliseconds: number; readonly until: number }>()
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

  const remember = (key: string, milliseconds: number, until: number, now: number): void => {
    given.delete(key)
    if (given.size >= MOST_GIVEN) for (const [other, { until: over }] of given) if (over <= now) given.delete(other)
    if (given.size >= MOST_GIVEN) given.delete(given.keys().next().value as string)
    given.set(key, { milliseconds, until })
  }

  const set = (key: string, now: number, value: number): void => {
    let slot = slots.get(key)
    if (slot === undefined) {
      if (free.length === 0 && taken === fullAt.length) makeRoom(now)
      slot = free.pop() ?? taken++
      slots.set(key, slot)
    }
    fullAt[slot] = value
  }

  /** Milliseconds until the bucket is full. */
  const fullIn = (key: string, at: number): number => {
    const slot = slots.get(key)
    return slot === undefined ? 0 : Math.max(0, (fullAt[slot] as number) - at)
  }
  const used = (key: string, limit: Limit, at: number): number => fullIn(key, at) / intervalOf(limit)

  return {
    fits: (key, limit, cost, now) => hasRoom(limit, used(key, limit, now), cost),
    add: (key, limit, change, takenAt, now, then) => {
      let changeMs = change * intervalOf(limit)
      if (change < 0) {
        const givenMs = given.get(key)?.milliseconds ?? 0
        remember(key, givenMs - changeMs, now + limit.windowMs, now)
        if (then !== undefined) changeMs = Math.max(changeMs, -returnableMs(then, now - takenAt, givenMs))
      }
      set(key, now, now + Math.max(0, fullIn(key, now) + changeMs))
    },
    standing: (key, limit, now, refused) => {
      const standing = bucketStanding(limit, used(key, limit, now), refused)
      const givenMs = given.get(key)?.milliseconds
      return givenMs === undefined ? standing : { ...standing, givenMs }
    },
    used,
    // What was taken here since is not undone by news from before.
    note: (key, limit, units, at) => {
      const slot = slots.get(key)
      const known = slot === undefined ? at : (fullAt[slot] as number)
      set(key, at, Math.max(known, at + units * intervalOf(limit)))
    },
  }
}
