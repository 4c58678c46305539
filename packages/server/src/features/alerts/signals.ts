import { errorCatalogue, type ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { upstreamErrors } from '@headgate/contract/errors/upstream.ts'
import { bucketOf, quantileOf } from '../../domain/latency.ts'
import { type AlertRule, defaultForMinutes, type Objective } from '../../domain/objective.ts'
import type { Signals } from './alerts.ports.ts'

/** Answers that an objective judges, and those of them that broke it. */
export interface Judged {
  readonly total: number
  readonly bad: number
}

/** What broke an objective most often. */
export interface Worst {
  readonly route: string
  /** `provider/model`; null where no provider was reached. */
  readonly target: string | null
  readonly bad: number
}

const CALLER_GONE = 'client_closed_request'
const isUpstream = (code: string): boolean => Object.hasOwn(upstreamErrors, code)
const statusOf = (code: string): number => errorCatalogue[code as ErrorCode]?.http ?? 500

/** Codes of requests that were in order and failed by Headgate itself: semantics of "our 5xx and our timeouts". */
export const ownErrorCodes: readonly string[] = Object.keys(errorCatalogue).filter(
  (code) => statusOf(code) >= 500 && !isUpstream(code),
)
export const upstreamErrorCodes: readonly string[] = Object.keys(upstreamErrors)

/** What the caller did wrong is nobody's broken promise. */
const isJudged = (code: string): boolean =>
  code === '' || code === CALLER_GONE || isUpstream(code) || statusOf(code) >= 500

/** Judges the requests of a time by an objective. Latency is judged of answers that went well. */
export const judge = ({ measure, route, within_ms }: Objective, signals: Signals): Judged => {
  const fits = (row: { kind: string; route: string }) =>
    row.kind === 'request' && (route === undefined || row.route === route)
  if (measure === 'errors' || measure === 'upstream_errors') {
    const isBad = measure === 'errors' ? (code: string) => ownErrorCodes.includes(code) : isUpstream
    let total = 0
    let bad = 0
    for (const row of signals.counts) {
      if (!fits(row) || !isJudged(row.code)) continue
      total += row.count
      if (isBad(row.code)) bad += row.count
    }
    return { total, bad }
  }
  const last = bucketOf(within_ms ?? 0)
  let total = 0
  let bad = 0
  for (const row of measure === 'duration' ? signals.durations : signals.firstBytes) {
    if (!fits(row)) continue
    total += row.count
    if (row.bucket > last) bad += row.count
  }
  return { total, bad }
}

/** The routes and targets that broke an objective most often, the worst first. */
export const worstOf = (objective: Objective, signals: Signals, most: number): Worst[] => {
  const keyOf = ({ route, target }: { route: string; target: string }) => `${route} ${target}`
  const rows = [...signals.counts, ...signals.durations, ...signals.firstBytes]
  const keys = new Map(rows.map((row) => [keyOf(row), row]))
  const only = <Row extends { route: string; target: string }>(list: readonly Row[], key: string): Row[] =>
    list.filter((row) => keyOf(row) === key)
  return [...keys]
    .map(([key, { route, target }]) => {
      const part: Signals = {
        counts: only(signals.counts, key),
        durations: only(signals.durations, key),
        firstBytes: only(signals.firstBytes, key),
      }
      return { route, target: target === '' ? null : target, bad: judge(objective, part).bad }
    })
    .filter(({ bad }) => bad > 0)
    .sort((one, other) => other.bad - one.bad)
    .slice(0, most)
}

/** The reading of a rule over its minutes, and how many requests or tries it rests on. */
export const readingOf = (rule: AlertRule, signals: Signals): { readonly value: number; readonly total: number } => {
  const { watch, route, provider, code } = rule
  const kind = provider === undefined ? 'request' : 'try'
  const fits = (row: { kind: string; route: string; target: string }) =>
    row.kind === kind &&
    (route === undefined || row.route === route) &&
    (provider === undefined || row.target.startsWith(`${provider}/`))
  const counted = signals.counts.filter(fits)
  const sum = (isCounted: (code: string) => boolean) =>
    counted.reduce((whole, row) => (isCounted(row.code) ? whole + row.count : whole), 0)
  const total = sum(() => true)
  const minutes = rule.for_minutes ?? defaultForMinutes
  if (watch === 'requests_per_minute') return { value: total / minutes, total }
  if (watch === 'p95_ms') {
    const buckets = new Map<number, number>()
    for (const row of signals.durations)
      if (fits(row)) buckets.set(row.bucket, (buckets.get(row.bucket) ?? 0) + row.count)
    return { value: quantileOf(buckets, 0.95) ?? 0, total }
  }
  const errors = sum((found) => found !== '' && found !== CALLER_GONE && (code === undefined || found === code))
  if (watch === 'errors_per_minute') return { value: errors / minutes, total }
  return { value: total === 0 ? 0 : (errors / total) * 100, total }
}
