import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Intent, Settlement } from '../domain/hold.ts'
import type { Walk } from '../domain/walk.ts'
import { type AlertsOptions, createAlerts } from '../features/alerts/alerts.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createLogLevels } from '../features/log-levels/log-levels.ts'
import { createBodyLog } from '../features/requests/body-log.ts'
import { createRequests } from '../features/requests/requests.ts'
import { createTelemetry } from '../features/telemetry/telemetry.ts'
import { createTrust } from '../http/client-address.ts'
import type { Answered } from '../http/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import { prefixedId } from '../kernel/ids.ts'
import type { ProcessLog } from '../kernel/log.ts'
import { sendMail } from '../kernel/mail.ts'
import { durationBounds, type Metrics } from '../kernel/metrics.ts'
import { deliver } from '../kernel/outbound.ts'
import type { Seal } from '../kernel/seal.ts'
import type { BudgetAlert } from '../domain/budget-alert.ts'
import { alertSettings, budgetEvent } from './alert-settings.ts'
import { createFollow } from './follow.ts'
import { createModelLabel, createObserve } from './observe.ts'

interface WatchOptions {
  readonly config: Config
  /** Those in effect at the moment of asking. */
  readonly settings: () => Settings
  readonly secrets: Secrets
  readonly version: string
  readonly database: Database
  readonly clock: Clock
  readonly log: ProcessLog
  readonly audit: Pick<Audit, 'record'>
  readonly metrics: Metrics
  readonly seal: Seal
  /** Names of all models that are listed. */
  readonly models: () => Iterable<string>
  /** What is found elsewhere, for alerts. */
  readonly findings: AlertsOptions['findings']
}

const revealSinks = ({ sinks }: Secrets) =>
  Object.fromEntries(
    Object.entries(sinks).map(([signal, { url, headers }]) => [
      signal,
      { url, headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])) },
    ]),
  )

const traceSettings = ({ traces }: Config) => ({
  sample: traces.sample_percent / 100,
  isTrusted: createTrust(traces.trusted_fronts),
  propagateTo: traces.propagate_to,
})
const requestSettings = ({ requests, slow_log, objectives }: Config) => ({
  slowLog: {
    overheadMs: slow_log.overhead_ms,
    firstByteMs: slow_log.first_byte_ms,
    durationMs: slow_log.duration_ms,
    perMinute: slow_log.per_minute,
    objectives,
  },
  samplePerMinute: requests.sample_per_minute,
  slowMs: requests.slow_ms,
  keepDays: requests.keep_days,
  statsDays: requests.stats_days,
})

/** Builds what watches the walk: log lines and counters, kept requests, traces. */
export const createWatch = ({
  config,
  settings,
  secrets,
  version,
  database,
  clock,
  log,
  audit,
  metrics,
  seal,
  models,
  findings,
}: WatchOptions) => {
  const label = createModelLabel(models, clock.monotonic)
  const observe = createObserve(log, metrics, label)
  const telemetry = createTelemetry({
    settings: traceSettings(config),
    sinks: revealSinks(secrets),
    service: { name: 'headgate', version, instance: prefixedId('run', clock.now()) },
    deliver,
    clock,
    log,
    onSent: (signal, count) => metrics.sent(signal).inc(count),
    onDropped: (signal, count) => metrics.dropped(signal).inc(count),
  })
  if (telemetry.exportLine !== null) log.onLine(telemetry.exportLine)
  const requests = createRequests({
    database,
    clock,
    log,
    settings: requestSettings(config),
    onSlow: (route, cause) => metrics.slowRequests(route, cause).inc(),
    onDropped: (count) => metrics.dropped('requests').inc(count),
  })
  const bodyLog = createBodyLog({
    database,
    clock,
    log,
    seal,
    projects: config.body_log.projects,
    operations: config.body_log.operations,
    maxBytes: config.body_log.max_bytes,
    keepDays: config.body_log.keep_days,
    redact: config.body_log.redact,
    audit: audit.record,
    onDropped: (count) => metrics.dropped('bodies').inc(count),
  })
  const logLevels = createLogLevels({
    database,
    clock,
    log,
    record: audit.record,
    defaultLevel: log.level,
    configured: config.log.levels,
    setLevels: log.setLevels,
  })
  const alerts = createAlerts({
    ...alertSettings(settings),
    database,
    clock,
    log,
    signals: requests.signals,
    findings,
    durationBounds,
    deliver,
    sendMail,
    onDelivery: (receiver, result) => metrics.alertDeliveries(receiver, result).inc(),
  })
  const { count, keeps, keep, tellSlow } = requests
  const follow = createFollow({
    count,
    keeps,
    keep,
    tellSlow,
    contextOf: telemetry.contextOf,
    exportTrace: telemetry.exportsTraces ? telemetry.exportTrace : null,
    label,
  })
  return {
    features: [logLevels, requests, bodyLog, alerts, telemetry] as const,
    bodyLog: bodyLog.follow,
    traceHeaders: telemetry.traceHeaders,
    speeds: requests.speeds,
    /** Takes over what a reload changes. */
    reread: (next: Config): void => {
      log.setLevel(next.log.level)
      logLevels.reconfigure(next.log.levels)
      requests.reconfigure(requestSettings(next))
      telemetry.reconfigure(traceSettings(next))
    },
    /** Tells receivers of alerts; never rejects. */
    tell: alerts.tell,
    budgetAlert: (alert: BudgetAlert): void => {
      observe.budgetAlert(alert)
      void alerts.tell(budgetEvent(alert))
    },
    answered: (answered: Answered): void => {
      observe.answered(answered)
      follow.answered(answered)
    },
    verdict: observe.verdict,
    settled: (intent: Intent, settlement: Settlement, walk: Walk): void => {
      observe.settled(intent, settlement, walk.queuedMs)
      follow.settled(walk)
    },
  }
}

export type Watch = ReturnType<typeof createWatch>
