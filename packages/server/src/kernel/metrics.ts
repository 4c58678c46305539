import { collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client'
import {
  type KeyReading,
  keyGaugeTable,
  type ProviderReading,
  providerGaugeTable,
  registerGauges,
} from './metric-gauges.ts'
import { backupGauges } from './metric-backups.ts'
import { createCounterCells, createHistogramCells, type MetricEntry } from './metric-cells.ts'

/** Bounds of the histograms of whole durations and first bytes, in seconds. */
export const durationBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
]
const tokenSeconds = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 1]
const overheadSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.04, 0.1, 0.25, 1]

/** Every metric of Headgate. Labels have few values by design: declared routes, configured targets, catalogued codes. */
const metricTable = {
  requests: { name: 'headgate_requests_total', help: 'Answered HTTP requests.', labels: ['route', 'status'] },
  errors: {
    name: 'headgate_errors_total',
    help: 'Errors told to callers, by catalogue code.',
    labels: ['route', 'code'],
  },
  deprecated: {
    name: 'headgate_deprecated_requests_total',
    help: 'Requests to routes that will go.',
    labels: ['method', 'route'],
  },
  tokens: { name: 'headgate_tokens_total', help: 'Tokens in the ledger.', labels: ['model', 'direction'] },
  cost: { name: 'headgate_cost_usd_total', help: 'Cost in the ledger, in USD.', labels: ['model'] },
  calls: { name: 'headgate_calls_total', help: 'Settled calls by how they ended.', labels: ['model', 'outcome'] },
  dropped: {
    name: 'headgate_telemetry_dropped_total',
    help: 'Requests and log lines that found no room on their way to the store or a sink, or that it refused.',
    labels: ['signal'],
  },
  sent: {
    name: 'headgate_telemetry_sent_total',
    help: 'Requests (as traces) and log lines that a sink has taken.',
    labels: ['signal'],
  },
  shed: { name: 'headgate_shed_total', help: 'Calls refused by overload, by what ran short.', labels: ['reason'] },
  shadowRefusals: {
    name: 'headgate_limit_shadow_refusals_total',
    help: 'Calls that a limit in shadow would have refused.',
    labels: ['policy'],
  },
  alertDeliveries: {
    name: 'headgate_alert_deliveries_total',
    help: 'Tries to tell receivers of alerts.',
    labels: ['receiver', 'result'],
  },
  budgetOverruns: {
    name: 'headgate_budget_overruns_total',
    help: 'Calls that a soft budget had no room for.',
    labels: ['budget'],
  },
  budgetAlerts: {
    name: 'headgate_budget_alerts_total',
    help: 'Thresholds that accounts of budgets reached, each once per window: 50, 80, 100 percent, forecast.',
    labels: ['budget', 'threshold'],
  },
  slowRequests: {
    name: 'headgate_slow_requests_total',
    help: 'Requests that took longer than they may, by what of them did: overhead, first_byte, duration.',
    labels: ['route', 'cause'],
  },
  reliefs: {
    name: 'headgate_memory_reliefs_total',
    help: 'How often memory was given back because it was short, by what was done.',
    labels: ['measure'],
  },
  verdicts: {
    name: 'headgate_safety_verdicts_total',
    help: 'Verdicts of the safety checks: passed, redacted, reported, refused, or not judged.',
    labels: ['check', 'verdict'],
  },
  named: {
    name: 'headgate_idempotent_requests_total',
    help: 'Requests with an Idempotency-Key: run, replayed, reused for another one, waited in vain, or not replayable.',
    labels: ['result'],
  },
  cached: {
    name: 'headgate_cache_lookups_total',
    help: 'Calls that asked for the cache: hit, stale (an answer given before), miss, or bypass (not looked up).',
    labels: ['result'],
  },
  cacheSaved: {
    name: 'headgate_cache_saved_usd_total',
    help: 'What calls answered from the cache would have cost, in USD.',
    labels: ['model'],
  },
  resumed: {
    name: 'headgate_stream_resumes_total',
    help: 'Readers who came back to a stream, by where it was: here, elsewhere, over (they had all of it) or missing.',
    labels: ['result'],
  },
  attempts: { name: 'headgate_upstream_attempts_total', help: 'Tries at providers.', labels: ['provider', 'result'] },
} as const
const durationTable = {
  duration: {
    name: 'headgate_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labels: ['route'],
    buckets: durationBounds,
  },
  firstByte: {
    name: 'headgate_first_byte_seconds',
    help: 'Time to the first byte of a streamed answer.',
    labels: ['model'],
    buckets: durationBounds,
  },
  queueWait: {
    name: 'headgate_queue_wait_seconds',
    help: 'Time that calls waited for a place at a provider before they were served.',
    labels: ['provider'],
    buckets: durationBounds,
  },
  perToken: {
    name: 'headgate_output_token_seconds',
    help: 'Time per output token of a streamed answer, after the first.',
    labels: ['model'],
    buckets: tokenSeconds,
  },
  overhead: {
    name: 'headgate_overhead_seconds',
    help: 'Time of a call from its first byte on that was not spent at providers; it includes the wait for its body.',
    labels: ['route'],
    buckets: overheadSeconds,
  },
} as const
const gaugeTable = {
  loopDelay: { name: 'headgate_event_loop_delay_seconds', help: 'Lateness of the event loop, smoothed.' },
  loopDelayWorst: {
    name: 'headgate_event_loop_delay_worst_seconds',
    help: 'Worst lateness of the event loop in the last 15 to 30 seconds.',
  },
  pressure: {
    name: 'headgate_pressure',
    help: 'How near this process is to what it can bear: from 1 on work is refused, at 2 all of it.',
  },
  memoryCounted: { name: 'headgate_memory_used_bytes', help: 'Memory that counts against the limit.' },
  memoryLimit: { name: 'headgate_memory_limit_bytes', help: 'Memory that the process may have.' },
  heapLimit: { name: 'headgate_heap_limit_bytes', help: 'Most that the old generation of the heap can grow to.' },
  heapAfterCollection: {
    name: 'headgate_heap_after_collection_bytes',
    help: 'Heap that the last full collection of garbage left; NaN before the first.',
  },
  heapPerHour: {
    name: 'headgate_heap_growth_bytes_per_hour',
    help: 'Growth of that heap over the window of the leak watch; NaN while too little was seen.',
  },
  heapPerRequest: { name: 'headgate_heap_growth_bytes_per_request', help: 'The same per answered request.' },
  leakSuspected: { name: 'headgate_leak_suspected', help: '1 when the heap has grown steadily for long.' },
  loopUtilisation: {
    name: 'headgate_event_loop_utilisation',
    help: 'Part of the time since the last look in which the event loop was busy.',
  },
  scalingLoad: {
    name: 'headgate_scaling_load',
    help: 'How loaded this process is: 1 is as much as is wanted. Their sum is the number of processes that there should be.',
  },
  scalingDesired: {
    name: 'headgate_scaling_desired_replicas',
    help: 'Replicas that there should be, by load, forecast and schedule.',
  },
  scalingForecast: {
    name: 'headgate_scaling_forecast_calls_per_minute',
    help: 'Most calls per minute of all replicas that are expected soon.',
  },
  bodiesHeld: { name: 'headgate_request_bodies_bytes', help: 'Bytes of larger request bodies held now.' },
  bodiesWaiting: {
    name: 'headgate_request_bodies_waiting',
    help: 'Request bodies that wait for room and are not read yet.',
  },
  privacyOverdue: {
    name: 'headgate_privacy_requests_overdue',
    help: 'Requests of people for their data that are past their time, as of the last ten minutes.',
  },
  breachesOpen: { name: 'headgate_breaches_open', help: 'Breaches of which the authority is still to be told.' },
  breachSecondsLeft: {
    name: 'headgate_breach_seconds_left',
    help: 'Seconds until the authority has to know of the first of them; negative: since. NaN where there is none.',
  },
  streams: { name: 'headgate_streams_open', help: 'Event streams open to callers.' },
  keptStreams: { name: 'headgate_kept_streams', help: 'Streams kept for readers who come back.' },
  keptStreamBytes: { name: 'headgate_kept_stream_bytes', help: 'Memory that they take.' },
  ledgerQueue: { name: 'headgate_ledger_queue', help: 'Settled rows that PostgreSQL does not have yet.' },
  ledgerHolds: { name: 'headgate_ledger_holds_open', help: 'Admitted calls that are not settled yet.' },
  journalDropped: { name: 'headgate_journal_dropped_records', help: 'Journal records lost to a failing disk.' },
  ledgerLost: { name: 'headgate_ledger_lost_rows', help: 'Settled rows that neither journal nor queue took: lost.' },
  ledgerRefused: {
    name: 'headgate_ledger_refused_rows',
    help: 'Settled rows that PostgreSQL refuses; kept in a file.',
  },
  ...backupGauges,
} as const

const crewTable = {
  workers: { name: 'headgate_workers', help: 'Worker processes that there are to be.', type: 'gauge' },
  ready: { name: 'headgate_workers_ready', help: 'Worker processes that take calls.', type: 'gauge' },
  restarts: {
    name: 'headgate_worker_restarts_total',
    help: 'Worker processes that ended by themselves and were started again.',
    type: 'counter',
  },
} as const

/** The metrics of the process that looks after the workers, as Prometheus scrapes them. */
export const writeCrewMetrics = (reading: Readonly<Record<keyof typeof crewTable, number>>): string =>
  Object.entries(crewTable)
    .map(
      ([key, { name, help, type }]) =>
        `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${reading[key as keyof typeof crewTable]}\n`,
    )
    .join('\n')

/** Names and meanings, for the reference. */
export const metricReference = [
  ...Object.values(metricTable).map((entry) => ({ ...entry, type: 'counter' })),
  ...Object.values(durationTable).map((entry) => ({ ...entry, type: 'histogram' })),
  ...Object.values(gaugeTable).map((entry) => ({ ...entry, labels: [], type: 'gauge' })),
  ...Object.values(providerGaugeTable).map((entry) => ({ ...entry, labels: ['provider'], type: 'gauge' })),
  ...Object.values(keyGaugeTable).map((entry) => ({ ...entry, labels: ['kind'], type: 'gauge' })),
  ...Object.values(crewTable).map((entry) => ({ ...entry, labels: [] })),
]

/** The metrics of one process, with `labels` on each. `gauges`, `providers` and `keys` are read when Prometheus asks. */
export const createMetrics = (
  gauges: Readonly<Record<keyof typeof gaugeTable, () => number>>,
  providers: () => readonly ProviderReading[] = () => [],
  labels: Readonly<Record<string, string>> = {},
  keys: () => readonly KeyReading[] = () => [],
) => {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  collectDefaultMetrics({ register: registry })
  const counter = (entry: MetricEntry) => createCounterCells(registry, entry)
  const histogram = (entry: MetricEntry & { readonly buckets: readonly number[] }) =>
    createHistogramCells(registry, entry)
  for (const [key, { name, help }] of Object.entries(gaugeTable) as [
    keyof typeof gaugeTable,
    { name: string; help: string },
  ][]) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(gauges[key]())
      },
    })
  }
  registerGauges(registry, providerGaugeTable, 'provider', providers)
  registerGauges(registry, keyGaugeTable, 'kind', keys)
  return {
    requests: counter(metricTable.requests),
    errors: counter(metricTable.errors),
    deprecated: counter(metricTable.deprecated),
    tokens: counter(metricTable.tokens),
    cost: counter(metricTable.cost),
    calls: counter(metricTable.calls),
    dropped: counter(metricTable.dropped),
    sent: counter(metricTable.sent),
    attempts: counter(metricTable.attempts),
    alertDeliveries: counter(metricTable.alertDeliveries),
    shed: counter(metricTable.shed),
    slowRequests: counter(metricTable.slowRequests),
    reliefs: counter(metricTable.reliefs),
    named: counter(metricTable.named),
    cached: counter(metricTable.cached),
    cacheSaved: counter(metricTable.cacheSaved),
    verdicts: counter(metricTable.verdicts),
    resumed: counter(metricTable.resumed),
    shadowRefusals: counter(metricTable.shadowRefusals),
    budgetOverruns: counter(metricTable.budgetOverruns),
    budgetAlerts: counter(metricTable.budgetAlerts),
    duration: histogram(durationTable.duration),
    firstByte: histogram(durationTable.firstByte),
    queueWait: histogram(durationTable.queueWait),
    perToken: histogram(durationTable.perToken),
    overhead: histogram(durationTable.overhead),
    /** The text that Prometheus scrapes. */
    expose: (): Promise<string> => registry.metrics(),
    contentType: registry.contentType as string,
  }
}

export type Metrics = ReturnType<typeof createMetrics>
