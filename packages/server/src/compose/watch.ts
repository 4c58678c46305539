import type { Config } from '../config/schema.ts'
import type { Intent, Settlement } from '../domain/hold.ts'
import type { Walk } from '../domain/walk.ts'
import { createRequests } from '../features/requests/requests.ts'
import { createTelemetry } from '../features/telemetry/telemetry.ts'
import { createTrust } from '../http/client-address.ts'
import type { Answered } from '../http/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { createFollow } from './follow.ts'
import { createModelLabel, createObserve } from './observe.ts'

interface WatchOptions {
  readonly config: Config
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Names of all models that are listed. */
  readonly models: () => Iterable<string>
}

/** Builds what watches the walk: log lines and counters, kept requests, traces. */
export const createWatch = ({ config, database, clock, log, metrics, models }: WatchOptions) => {
  const label = createModelLabel(models, clock.monotonic)
  const observe = createObserve(log, metrics, label)
  const telemetry = createTelemetry({
    sample: config.traces.sample_percent / 100,
    isTrusted: createTrust(config.traces.trusted_fronts),
  })
  const requests = createRequests({
    database,
    clock,
    log,
    samplePerMinute: config.requests.sample_per_minute,
    slowMs: config.requests.slow_ms,
    keepDays: config.requests.keep_days,
    statsDays: config.requests.stats_days,
    onDropped: (count) => metrics.dropped('requests').inc(count),
  })
  const { count, keeps, keep } = requests
  const follow = createFollow({ count, keeps, keep, contextOf: telemetry.contextOf, label })
  return {
    features: [requests, telemetry] as const,
    answered: (answered: Answered): void => {
      observe.answered(answered)
      follow.answered(answered)
    },
    settled: (intent: Intent, settlement: Settlement, walk: Walk): void => {
      observe.settled(intent, settlement)
      follow.settled(walk)
    },
  }
}

export type Watch = ReturnType<typeof createWatch>
