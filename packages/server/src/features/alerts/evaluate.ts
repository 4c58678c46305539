import {
  type AlertRule,
  defaultForMinutes,
  defaultLeastRequests,
  defaultWindowDays,
  type Objective,
  type Severity,
} from '../../domain/objective.ts'
import type { AlertSettings, ReadSignals, Signals } from './alerts.ports.ts'
import { type Judged, judge, readingOf, type Worst, worstOf } from './signals.ts'

/** Something that fires, or does not. */
export interface Finding {
  /** `objective/<name>`, `rule/<name>`, or a neighbour’s, such as `keys/overdue`. */
  readonly name: string
  readonly severity: Severity
  readonly firing: boolean
  readonly summary: string
  readonly value: number
  readonly threshold: number
}

/** How an objective stands. */
export interface ObjectiveStanding extends Judged {
  readonly name: string
  readonly objective: Objective
  /** How fast the error budget goes, by window: 1 uses it up just at the end of the objective's days. */
  readonly burnRates: Readonly<Record<string, number>>
  readonly worst: readonly Worst[]
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WORST = 5

const windows = {
  '5m': 5 * MINUTE_MS,
  '30m': 30 * MINUTE_MS,
  '1h': HOUR_MS,
  '6h': 6 * HOUR_MS,
  '3d': 3 * DAY_MS,
} as const

/** How fast the error budget may go over a long and a short window: Google's SRE Workbook, "Alerting on SLOs", table 5-8. */
export const burnAlerts: readonly {
  readonly severity: Severity
  readonly rate: number
  readonly long: keyof typeof windows
  readonly short: keyof typeof windows
}[] = [
  { severity: 'page', rate: 14.4, long: '1h', short: '5m' },
  { severity: 'page', rate: 6, long: '6h', short: '30m' },
  { severity: 'ticket', rate: 1, long: '3d', short: '6h' },
]

const burnRate = ({ total, bad }: Judged, targetPercent: number): number =>
  total === 0 ? 0 : bad / total / (1 - targetPercent / 100)

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

/** Reads each time only once. */
const remembered = (read: ReadSignals, now: number) => {
  const known = new Map<number, Promise<Signals>>()
  return (lastMs: number): Promise<Signals> => {
    const found = known.get(lastMs) ?? read(now - lastMs)
    known.set(lastMs, found)
    return found
  }
}
type ReadLast = ReturnType<typeof remembered>

const standingOf = async (name: string, objective: Objective, last: ReadLast): Promise<ObjectiveStanding> => {
  const whole = await last((objective.window_days ?? defaultWindowDays) * DAY_MS)
  const burnRates: Record<string, number> = {}
  for (const [window, milliseconds] of Object.entries(windows))
    burnRates[window] = burnRate(judge(objective, await last(milliseconds)), objective.target_percent)
  return { name, objective, ...judge(objective, whole), burnRates, worst: worstOf(objective, whole, WORST) }
}

/** What an objective promises, in words. */
const promise = ({ measure, route, within_ms, target_percent }: Objective): string => {
  const where = route ?? 'all routes'
  if (measure === 'errors') return `${target_percent} % of the answers of ${where} without an error of ours`
  if (measure === 'upstream_errors')
    return `${target_percent} % of the answers of ${where} without an error of a provider`
  const what = measure === 'duration' ? 'whole' : 'begun'
  return `${target_percent} % of the answers of ${where} ${what} within ${within_ms} ms`
}

const burnFindings = async (standing: ObjectiveStanding, last: ReadLast): Promise<Finding[]> => {
  const { name, objective, burnRates, worst } = standing
  const [first] = worst
  const found: Finding[] = []
  for (const severity of ['page', 'ticket'] as const) {
    const alerts = burnAlerts.filter((alert) => alert.severity === severity)
    const firing = []
    for (const alert of alerts) {
      const enough = judge(objective, await last(windows[alert.long])).total >= defaultLeastRequests
      const least = Math.min(burnRates[alert.long] ?? 0, burnRates[alert.short] ?? 0)
      if (enough && least > alert.rate) firing.push({ ...alert, least })
    }
    const [fastest = { ...(alerts[0] as (typeof alerts)[number]), least: 0 }] = firing
    found.push({
      name: `objective/${name}`,
      severity,
      firing: firing.length > 0,
      summary:
        `The error budget of ${name} (${promise(objective)}) goes ${rounded(fastest.least)} times as fast as it may` +
        `${first ? `; most of it at ${first.route}${first.target === null ? '' : `, ${first.target}`}` : ''}.`,
      value: rounded(fastest.least),
      threshold: fastest.rate,
    })
  }
  return found
}

const ruleWords: Readonly<Record<AlertRule['watch'], string>> = {
  error_percent: 'Percent of errors',
  errors_per_minute: 'Errors per minute',
  requests_per_minute: 'Requests per minute',
  p95_ms: '95th percentile of the duration in milliseconds',
}

const ruleFinding = async (name: string, rule: AlertRule, last: ReadLast): Promise<Finding> => {
  const minutes = rule.for_minutes ?? defaultForMinutes
  const { value, total } = readingOf(rule, await last(minutes * MINUTE_MS))
  const where = rule.provider === undefined ? (rule.route ?? 'all routes') : `the provider ${rule.provider}`
  const code = rule.code === undefined ? '' : ` ${rule.code}`
  return {
    name: `rule/${name}`,
    severity: rule.severity ?? 'ticket',
    firing: total >= (rule.least_requests ?? defaultLeastRequests) && value > rule.above,
    summary: `${ruleWords[rule.watch]}${code} at ${where}: ${rounded(value)} over ${minutes} min, above ${rule.above}.`,
    value: rounded(value),
    threshold: rule.above,
  }
}

/** How every objective stands now. */
export const standings = async (
  settings: AlertSettings,
  read: ReadSignals,
  now: number,
): Promise<ObjectiveStanding[]> => {
  const last = remembered(read, now)
  const found: ObjectiveStanding[] = []
  for (const [name, objective] of Object.entries(settings.objectives()))
    found.push(await standingOf(name, objective, last))
  return found
}

/** What fires now, and what does not. */
export const evaluate = async (settings: AlertSettings, read: ReadSignals, now: number): Promise<Finding[]> => {
  const last = remembered(read, now)
  const found: Finding[] = []
  for (const [name, objective] of Object.entries(settings.objectives()))
    found.push(...(await burnFindings(await standingOf(name, objective, last), last)))
  for (const [name, rule] of Object.entries(settings.rules())) found.push(await ruleFinding(name, rule, last))
  return found
}
