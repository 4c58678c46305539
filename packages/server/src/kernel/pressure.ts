import type { Clock } from './clock.ts'
import { oldGenerationBytes } from './heap-limit.ts'
import type { MemoryBound } from './memory-bound.ts'

/** What a process can bear. */
export interface PressureLimits {
  /** Lateness of the event loop at which work is refused; 0: it is not looked at. */
  readonly loopDelayMs: number
  /** Share of the heap's limit, in (0, 1), from which on work is refused. */
  readonly heapShare: number
  /** Share of the memory that the process may have, in (0, 1). */
  readonly memoryShare: number
  /** Resident bytes of this process at which work is refused, all of it at twice as many; null: only the share counts. */
  readonly residentBytes: number | null
  /** How far below a severity it must fall before what was refused from it on is taken again; in parts of the bound. */
  readonly recovery: number
}

export type PressureCause = 'none' | 'event loop' | 'heap' | 'memory'

/** How this process stands. */
export interface PressureReading {
  /** 1 is as much as it can bear; at 2 nothing more is taken on. Falls later than it rises. */
  readonly severity: number
  readonly cause: PressureCause
  /** The same of heap and memory alone. */
  readonly memorySeverity: number
  readonly loopDelayMs: number
}

/** What memory is used, in bytes. */
export interface MemoryUse {
  /** Of the old generation, whose limit ends the process. */
  readonly heap: number
  readonly heapLimit: number
  readonly resident: number
  /** Counted against the limit: of a control group all who live in it. */
  readonly counted: number
  /** null when nobody bounds it. */
  readonly limit: number | null
}

const SAMPLE_MS = 100
/** One late turn is no overload: about half a second of them is. */
const SMOOTHING = 0.2
/** Memory is read less often than the clock. */
const MEMORY_EVERY = 5

/** Reads what this process uses. */
export const memoryUse = (bound: MemoryBound, heapLimit: number) => (): MemoryUse => {
  const heap = oldGenerationBytes()
  const resident = process.memoryUsage.rss()
  return { heap, heapLimit, resident, counted: bound.used() ?? resident, limit: bound.bytes }
}

/** How long the worst turn is told of, at least. */
const WORST_SAMPLES = 150

/** Of the room above a bound, what may be used before all work is refused: the rest is for what is in hand, and for operators. */
const USABLE = 0.75

/** 1 where the bound is reached, 2 where the usable room above it is used up. */
const beyond = (share: number, bound: number): number =>
  share < bound ? share / bound : 1 + (share - bound) / ((1 - bound) * USABLE)

/** Follows a value up at once, and down only by what it falls beyond the play. */
const followWithPlay = (held: number, value: number, play: number): number =>
  value >= held ? value : Math.min(held, value + play)

const calm: PressureReading = { severity: 0, cause: 'none', memorySeverity: 0, loopDelayMs: 0 }

/** Watches how late the event loop comes and how much memory is used. `limits` are asked for at every sample. */
export const watchPressure = (clock: Clock, limits: () => PressureLimits, measure: () => MemoryUse) => {
  let expectedAt = clock.monotonic() + SAMPLE_MS
  let delay = 0
  let latest = 0
  let latestBefore = 0
  let samples = 0
  let use = measure()
  let heapSeverity = 0
  let boundSeverity = 0
  let reading: PressureReading = calm

  const readMemory = (): void => {
    const { heapShare, memoryShare, residentBytes } = limits()
    use = measure()
    heapSeverity = beyond(use.heap / use.heapLimit, heapShare)
    boundSeverity = Math.max(
      use.limit === null ? 0 : beyond(use.counted / use.limit, memoryShare),
      residentBytes === null ? 0 : use.resident / residentBytes,
    )
  }

  const judge = (play: number): void => {
    const { loopDelayMs } = limits()
    const late = loopDelayMs === 0 ? 0 : delay / loopDelayMs
    const memory = Math.max(heapSeverity, boundSeverity)
    const worst = late >= memory ? 'event loop' : heapSeverity >= boundSeverity ? 'heap' : 'memory'
    const severity = followWithPlay(reading.severity, Math.max(late, memory), play)
    const memorySeverity = followWithPlay(reading.memorySeverity, memory, play)
    // While the play alone holds the severity up, its cause is the one that brought it there.
    const cause = severity < 1 ? 'none' : Math.max(late, memory) < 1 ? reading.cause : worst
    reading = { severity, cause, memorySeverity, loopDelayMs: delay }
  }

  const timer = clock.every(SAMPLE_MS, () => {
    const now = clock.monotonic()
    const late = Math.max(0, now - expectedAt)
    delay += SMOOTHING * (late - delay)
    if (samples % WORST_SAMPLES === 0) {
      latestBefore = latest
      latest = 0
    }
    latest = Math.max(latest, late)
    expectedAt = now + SAMPLE_MS
    if (samples++ % MEMORY_EVERY === 0) readMemory()
    judge(limits().recovery)
  })
  return {
    read: (): PressureReading => reading,
    /** Milliseconds by which the latest turn of the last 15 to 30 seconds came late. */
    worstLoopDelayMs: (): number => Math.max(latest, latestBefore),
    /** Memory as it was last looked at, within half a second. */
    use: (): MemoryUse => use,
    /** Judges at once by limits that have changed, with no play for what was judged by the former ones. */
    judgeAnew: (): void => {
      readMemory()
      judge(0)
    },
    stop: (): void => timer.cancel(),
  }
}
