import { getHeapStatistics } from 'node:v8'
import type { Clock } from './clock.ts'

/** What a process can bear. */
export interface PressureLimits {
  /** Lateness of the event loop at which work is refused; 0: it is not looked at. */
  readonly loopDelayMs: number
  /** Share of the heap's limit, in (0, 1), from which on work is refused. */
  readonly heapShare: number
  /** Resident bytes at which work is refused; null: the memory that the process may have, by cgroup, where there is one. */
  readonly residentBytes: number | null
}

/** How this process stands. */
export interface PressureReading {
  /** 1 is as much as it can bear. */
  readonly severity: number
  readonly cause: 'none' | 'event loop' | 'heap' | 'memory'
  readonly loopDelayMs: number
}

/** What the process uses; a test puts its own here. */
export interface Measures {
  /** Used part of the heap's limit. */
  readonly heapShare: () => number
  readonly residentBytes: () => number
  /** Bytes that the process may have; null when nobody bounds it. */
  readonly boundedBytes: () => number | null
}

const SAMPLE_MS = 100
/** Of a cgroup's memory: what is left is the kernel's and the start of a garbage collection's. */
const SHARE_OF_BOUND = 0.9
/** One late turn is no overload: about half a second of them is. */
const SMOOTHING = 0.2
/** Memory is read less often than the clock. */
const MEMORY_EVERY = 5

const ofThisProcess: Measures = {
  heapShare: () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    return used / limit
  },
  residentBytes: () => process.memoryUsage.rss(),
  boundedBytes: () => {
    const bytes = process.constrainedMemory()
    // Without a cgroup the answer is 0, or larger than any machine.
    return bytes > 0 && bytes < 2 ** 50 ? bytes : null
  },
}

/** 1 where the soft bound is reached, 2 where nothing is left. */
const beyond = (share: number, soft: number): number => (share < soft ? share / soft : 1 + (share - soft) / (1 - soft))

/** Watches how late the event loop comes and how much memory is used. */
export const watchPressure = (clock: Clock, limits: PressureLimits, measures: Measures = ofThisProcess) => {
  const bound = measures.boundedBytes()
  const residentLimit = limits.residentBytes ?? (bound === null ? null : bound * SHARE_OF_BOUND)
  let expectedAt = clock.monotonic() + SAMPLE_MS
  let delay = 0
  let samples = 0
  let memory: PressureReading = { severity: 0, cause: 'none', loopDelayMs: 0 }
  let reading = memory

  const readMemory = (): void => {
    const heap = beyond(measures.heapShare(), limits.heapShare)
    const resident = residentLimit === null ? 0 : measures.residentBytes() / residentLimit
    memory = {
      severity: Math.max(heap, resident),
      cause: heap >= resident ? 'heap' : 'memory',
      loopDelayMs: 0,
    }
  }

  const timer = clock.every(SAMPLE_MS, () => {
    const now = clock.monotonic()
    delay += SMOOTHING * (Math.max(0, now - expectedAt) - delay)
    expectedAt = now + SAMPLE_MS
    if (samples++ % MEMORY_EVERY === 0) readMemory()
    const late = limits.loopDelayMs === 0 ? 0 : delay / limits.loopDelayMs
    const severity = Math.max(late, memory.severity)
    reading = {
      severity,
      cause: severity < 1 ? 'none' : late >= memory.severity ? 'event loop' : memory.cause,
      loopDelayMs: delay,
    }
  })
  return {
    read: (): PressureReading => reading,
    stop: (): void => timer.cancel(),
  }
}
