import { join } from 'node:path'
import type { Diagnostics } from '@headgate/contract/diagnostics.ts'
import type { Config } from '../config/schema.ts'
import { createDiagnostics as createDiagnosticsFeature } from '../features/diagnostics/diagnostics.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Guards } from './guards.ts'

interface DiagnosticsOptions {
  readonly config: () => Config
  readonly dataDirectory: string
  readonly version: string
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly audit: Pick<Audit, 'record'>
  readonly guards: Guards
  readonly isDraining: () => boolean
  readonly work: () => Diagnostics['work']
}

const UTILIZATION_EVERY_MS = 10_000
const MINUTE_MS = 60_000

const countOf = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Builds what looks into this process while it runs. */
export const createDiagnostics = (options: DiagnosticsOptions) => {
  const { config, version, database, clock, log, audit, guards } = options
  const startedAt = clock.monotonic()
  let marks = [performance.eventLoopUtilization()]
  const timer = clock.every(UTILIZATION_EVERY_MS, () => {
    marks = [...marks.slice(-1), performance.eventLoopUtilization()]
  })
  const secondsSince = (at: number): number => Math.round((clock.monotonic() - at) / 1_000)

  const read = () => {
    const { heap, heapLimit, resident, counted } = guards.use()
    const { external, arrayBuffers } = process.memoryUsage()
    const { severity, cause, loopDelayMs } = guards.pressure()
    const { stage, since } = guards.stage()
    const trend = guards.heapTrend()
    return {
      process: {
        pid: process.pid,
        version,
        node: process.versions.node,
        uptime_seconds: secondsSince(startedAt),
        draining: options.isDraining(),
      },
      event_loop: {
        delay_ms: loopDelayMs,
        utilization_percent: performance.eventLoopUtilization(marks[0]).utilization * 100,
      },
      memory: {
        heap_used_bytes: heap,
        heap_limit_bytes: heapLimit,
        external_bytes: external,
        array_buffers_bytes: arrayBuffers,
        resident_bytes: resident,
        counted_bytes: counted,
        limit_bytes: guards.bound.bytes,
        limit_source: guards.bound.source,
      },
      guard: {
        stage,
        since_seconds: since === null ? null : secondsSince(since),
        severity,
        cause,
        refused: guards.refused(),
      },
      heap_trend: {
        heap_bytes: trend.heapBytes,
        bytes_per_hour: trend.bytesPerHour,
        bytes_per_request: trend.bytesPerRequest,
        observed_minutes: Math.floor(trend.observedMs / MINUTE_MS),
        growing: trend.isGrowing,
        suspected: trend.isSuspected,
      },
      work: options.work(),
      handles: countOf(process.getActiveResourcesInfo()),
    }
  }
  const feature = createDiagnosticsFeature({
    database,
    clock,
    log,
    record: audit.record,
    folder: join(options.dataDirectory, 'diagnostics'),
    settings: () => ({
      heapSnapshot: config().diagnostics.heap_snapshot,
      mostProfileSeconds: config().diagnostics.cpu_profile_seconds,
    }),
    memoryLeft: () => guards.memoryLeft(),
    read,
  })
  return {
    ...feature,
    stop: async (): Promise<void> => {
      timer.cancel()
    },
  }
}
