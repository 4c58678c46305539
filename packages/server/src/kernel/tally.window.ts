import { hasRoom, type Limit, remainingOf, WINDOW_PARTS } from './counters.ts'
import type { Tally } from './tally.ts'

const RING = WINDOW_PARTS + 1

/** The use of one window: a ring of parts, the newest at `part % RING`. */
interface Window {
  readonly parts: Float64Array
  /** Number of the newest part since the clock began. */
  part: number
  total: number
  /** Units beyond those, known from elsewhere, and the part in which they were last seen: nobody said when they were taken. */
  others: number
  othersPart: number
}

const partOf = ({ windowMs }: Limit, at: number): number => Math.floor((at * WINDOW_PARTS) / windowMs)

/**
 * Sliding windows: the use of the part that runs and of the sixty before it, which no window of the limit's length can pass.
 * Beyond `capacity` keys, unused ones are forgotten first, then the one known longest.
 */
export const createWindowTally = (capacity: number): Tally => {
  const windows = new Map<string, Window>()

  const advance = (window: Window, part: number): void => {
    if (part <= window.part) return
    const gone = Math.min(RING, part - window.part)
    for (let step = 1; step <= gone; step++) {
      const slot = (window.part + step) % RING
      window.total -= window.parts[slot] as number
      window.parts[slot] = 0
    }
    window.part = part
    if (gone === RING) window.total = 0
    if (part - window.othersPart >= RING) window.others = 0
  }

  const makeRoom = (): void => {
    for (const [key, { total, others }] of windows) if (total + others <= 0) windows.delete(key)
    if (windows.size >= capacity) windows.delete(windows.keys().next().value as string)
  }

  const open = (key: string, limit: Limit, now: number): Window => {
    let window = windows.get(key)
    if (window === undefined) {
      if (windows.size >= capacity) makeRoom()
      const part = partOf(limit, now)
      window = { parts: new Float64Array(RING), part, total: 0, others: 0, othersPart: part }
      windows.set(key, window)
    } else advance(window, partOf(limit, now))
    return window
  }

  const used = (key: string, limit: Limit, at: number): number => {
    const window = windows.get(key)
    if (window === undefined) return 0
    advance(window, partOf(limit, at))
    return window.total + window.others
  }

  /** Milliseconds from `now` until at least `units` have left the window. */
  const leaveIn = (window: Window, limit: Limit, units: number, now: number): number => {
    let left = 0
    for (let age = WINDOW_PARTS; age >= 0; age--) {
      const part = window.part - age
      left += window.parts[((part % RING) + RING) % RING] as number
      if (part === window.othersPart) left += window.others
      if (left > 0 && left + 1e-9 >= units) return ((part + RING) * limit.windowMs) / WINDOW_PARTS - now
    }
    return limit.windowMs
  }

  const add: Tally['add'] = (key, limit, change, takenAt, now) => {
    const window = open(key, limit, now)
    const part = change < 0 ? partOf(limit, takenAt) : window.part
    // What has left the window is not given back a second time.
    if (window.part - part >= RING) return
    const slot = part % RING
    const before = window.parts[slot] as number
    const after = Math.max(0, before + change)
    window.parts[slot] = after
    window.total += after - before
  }

  return {
    fits: (key, limit, cost, now) => hasRoom(limit, used(key, limit, now), cost),
    add,
    standing: (key, limit, now, refused) => {
      const total = used(key, limit, now)
      const window = windows.get(key)
      const never = refused > limit.quota
      return {
        remaining: remainingOf(limit, total),
        resetMs: window === undefined || total <= 0 ? 0 : leaveIn(window, limit, total, now),
        retryAfterMs:
          refused === 0
            ? 0
            : never || window === undefined
              ? Number.POSITIVE_INFINITY
              : leaveIn(window, limit, total + refused - limit.quota, now),
      }
    },
    used,
    note: (key, limit, units, at) => {
      const window = open(key, limit, at)
      window.others = Math.max(0, units - window.total)
      window.othersPart = window.part
    },
  }
}
