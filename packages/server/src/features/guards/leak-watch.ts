import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { LeakPorts } from './guards.ports.ts'
import { certaintyOf, type Point, slopeOf } from './trend.ts'

/** How the heap goes, as far as full collections have shown. */
export interface HeapTrend {
  /** After the last full collection; null before the first. */
  readonly heapBytes: number | null
  /** null while too little was seen. */
  readonly bytesPerHour: number | null
  /** null while too few requests were answered. */
  readonly bytesPerRequest: number | null
  readonly observedMs: number
  /** The growth is beyond chance and has not flattened. */
  readonly isGrowing: boolean
  /** It has been so for a whole window more, or for less where the limit is near; told in the log. */
  readonly isSuspected: boolean
}

interface Low {
  readonly at: number
  readonly heap: number
  readonly requests: number
}

const HOUR_MS = 3_600_000
const MEBIBYTE = 1_048_576
/** The window is cut into this many parts, of each the least heap counts: what was in hand at that moment counts least there. */
const PARTS = 48
/** What loading and first use leave behind is no leak: this part of a window is not looked at. */
const SETTLING = 1 / 8
const LEAST_FOR_SLOPE = 8
const LEAST_FOR_JUDGEMENT = PARTS / 2
const JUDGED_SPAN = 0.75
const CERTAIN = 3.3
const CERTAIN_OF_HALF = 1.65
const LEAST_GROWTH = 8 * MEBIBYTE
const LEAST_SHARE = 0.05
const LEAST_REQUESTS = 1_000

const nothingSeen: HeapTrend = {
  heapBytes: null,
  bytesPerHour: null,
  bytesPerRequest: null,
  observedMs: 0,
  isGrowing: false,
  isSuspected: false,
}

const against = (lows: readonly Low[], x: (low: Low) => number): Point[] =>
  lows.map((low) => ({ x: x(low), y: low.heap }))

/** Whether growth is beyond chance, worth telling, and has not flattened in the later half, as that of filling caches does. */
const isGrowth = (lows: readonly Low[], perMs: number, windowMs: number): boolean => {
  const span = (lows.at(-1) as Low).at - (lows[0] as Low).at
  if (lows.length < LEAST_FOR_JUDGEMENT || span < JUDGED_SPAN * windowMs) return false
  const grown = perMs * span
  if (grown < Math.max(LEAST_GROWTH, LEAST_SHARE * (lows[0] as Low).heap)) return false
  if (certaintyOf(against(lows, ({ at }) => at)) < CERTAIN) return false
  const later = against(lows.slice(lows.length >> 1), ({ at }) => at)
  return (slopeOf(later) ?? 0) >= perMs / 2 && certaintyOf(later) >= CERTAIN_OF_HALF
}

/**
 * Watches what full collections of garbage leave on the heap, over a window in milliseconds (0: not at all). Costs a few numbers per full
 * collection and nothing per request.
 */
export const watchLeaks = (clock: Clock, log: Log, windowMs: () => number, ports: LeakPorts) => {
  const startedAt = clock.monotonic()
  let lows: Low[] = []
  let open: { readonly part: number; low: Low } | null = null
  let trend = nothingSeen
  let growingSince: number | null = null

  const judge = (now: number, window: number): void => {
    lows = lows.filter(({ at }) => now - at <= window)
    const [first, last] = [lows[0], lows.at(-1)]
    if (!first || !last || lows.length < LEAST_FOR_SLOPE) return
    const perMs = slopeOf(against(lows, ({ at }) => at)) ?? 0
    const perRequest =
      last.requests - first.requests < LEAST_REQUESTS ? null : slopeOf(against(lows, ({ requests }) => requests))
    const isGrowing = isGrowth(lows, perMs, window)
    if (!isGrowing) growingSince = null
    else growingSince ??= now
    const grownFor = growingSince === null ? 0 : now - growingSince
    const leftMs = (ports.heapLimitBytes() - last.heap) / perMs
    const isSuspected = isGrowing && (grownFor >= window || (leftMs <= window / 2 && grownFor >= window * SETTLING))
    if (isSuspected && !trend.isSuspected) {
      const each = perRequest === null ? '' : `, ${Math.round(perRequest)} bytes per request`
      const reason =
        `${((perMs * HOUR_MS) / MEBIBYTE).toFixed(1)} MiB per hour${each}; ` +
        `${Math.round(last.heap / MEBIBYTE)} MiB now, the limit in ${Math.round(leftMs / HOUR_MS)} hours`
      log.warn({ component: 'house', reason }, 'The heap grows steadily: a leak is suspected')
      ports.tell({
        name: 'process/leak',
        severity: 'ticket',
        summary: `The heap grows steadily, a leak is suspected: ${reason}.`,
        value: perMs * HOUR_MS,
        threshold: 0,
      })
    }
    trend = {
      ...trend,
      bytesPerHour: perMs * HOUR_MS,
      bytesPerRequest: perRequest,
      observedMs: last.at - first.at,
      isGrowing,
      isSuspected,
    }
  }

  const end = ports.onFullCollection(() => {
    const window = windowMs()
    const at = clock.monotonic()
    const heap = ports.heapBytes()
    trend = { ...trend, heapBytes: heap }
    if (window === 0 || at - startedAt < window * SETTLING) return
    const part = Math.floor(at / (window / PARTS))
    const low = { at, heap, requests: ports.requests() }
    if (open?.part === part) {
      if (heap < open.low.heap) open.low = low
      return
    }
    if (open !== null) lows.push(open.low)
    open = { part, low }
    judge(at, window)
  })

  return { trend: (): HeapTrend => trend, stop: end }
}
