import { hostname } from 'node:os'
import { nodeFlags } from '../config/env.ts'
import type { Config } from '../config/schema.ts'
import type { TellGuardEvent } from '../features/guards/guards.ports.ts'
import { createGuards as createGuardsFeature } from '../features/guards/guards.ts'
import { oldGenerationLimit } from '../kernel/heap-limit.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { collectGarbage, onFullCollection } from '../kernel/memory.ts'
import { findMemoryBound } from '../kernel/memory-bound.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { memoryUse, type PressureLimits, watchPressure } from '../kernel/pressure.ts'

interface GuardsOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Log
  readonly metrics: () => Metrics
  /** Lets go what is idle and can be had again. */
  readonly letGo: () => void
  /** Tells receivers of alerts. */
  readonly tell: TellGuardEvent
}

const MINUTE_MS = 60_000
const MOST_BODIES = 268_435_456
const SHARE_OF_BODIES = 0.25
/** What the process needs itself; of the rest a body takes up to six times its length: as it came, as it goes on, read as text, and what is not collected yet. */
const OWN_BYTES = 167_772_160
const COPIES = 6

/** Bytes of bodies that may be held at once where the process may have so much memory. */
const bodiesWithin = (bytes: number): number =>
  Math.floor(Math.min(MOST_BODIES, bytes * SHARE_OF_BODIES, (bytes - OWN_BYTES) / COPIES))

const limitsOf = ({ guards }: Config): PressureLimits => ({
  loopDelayMs: guards.loop_delay_ms,
  heapShare: guards.heap_percent / 100,
  memoryShare: guards.memory_percent / 100,
  residentBytes: guards.resident_bytes ?? null,
  recovery: guards.recovery_percent / 100,
})

/** Builds what watches over the process itself. */
export const createGuards = ({ config, clock, log, metrics, letGo, tell }: GuardsOptions) => {
  const bound = findMemoryBound()
  const measure = memoryUse(bound, oldGenerationLimit(nodeFlags()))
  let { guards } = config
  let limits = limitsOf(config)
  const pressure = watchPressure(clock, () => limits, measure)
  const feature = createGuardsFeature({
    clock,
    log,
    pressure: pressure.read,
    use: pressure.use,
    reliefAt: () => 1 + guards.relief_percent / 100,
    letGo,
    // Which of the replicas it is.
    tell: (event) => tell({ ...event, summary: `${hostname()}, process ${process.pid}: ${event.summary}` }),
    collect: collectGarbage,
    refused: () => metrics().shed.total(),
    onRelief: (done) => metrics().reliefs(done).inc(),
    leakWindowMs: () => guards.leak_window_minutes * MINUTE_MS,
    leak: {
      onFullCollection,
      heapBytes: () => measure().heap,
      heapLimitBytes: () => pressure.use().heapLimit,
      requests: () => metrics().requests.total(),
    },
  })
  return {
    ...feature,
    stop: async (): Promise<void> => {
      pressure.stop()
      await feature.stop?.()
    },
    pressure: pressure.read,
    /** Memory as it is now. */
    use: measure,
    /** Calls refused by overload. */
    refused: (): number => metrics().shed.total(),
    /** Bytes that may be used before work would be refused. */
    memoryLeft: (): number => {
      const { counted, resident } = measure()
      const { residentBytes, memoryShare } = limits
      return Math.min(bound.bytes * memoryShare - counted, (residentBytes ?? Number.POSITIVE_INFINITY) - resident)
    },
    bound,
    /** Most bytes of request bodies held at once: as configured, else what this process can bear. */
    mostBodyBytes: ({ body }: Config): number =>
      body.max_total_bytes ?? Math.max(body.max_bytes, bodiesWithin(bound.bytes)),
    gauges: {
      loopDelay: () => pressure.read().loopDelayMs / 1000,
      loopDelayWorst: () => pressure.worstLoopDelayMs() / 1000,
      pressure: () => pressure.read().severity,
      memoryCounted: () => pressure.use().counted,
      memoryLimit: () => bound.bytes,
      heapLimit: () => pressure.use().heapLimit,
      heapAfterCollection: () => feature.heapTrend().heapBytes ?? Number.NaN,
      heapPerHour: () => feature.heapTrend().bytesPerHour ?? Number.NaN,
      heapPerRequest: () => feature.heapTrend().bytesPerRequest ?? Number.NaN,
      leakSuspected: () => Number(feature.heapTrend().isSuspected),
    },
    /** Takes over what a reload changes. */
    reread: (next: Config): void => {
      guards = next.guards
      limits = limitsOf(next)
      pressure.judgeAnew()
    },
  }
}

export type Guards = ReturnType<typeof createGuards>
