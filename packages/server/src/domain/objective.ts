/** What is promised of the answers of a route, or of all routes for callers. */
export interface Objective {
  /** What counts as bad: an error of ours, one of a provider, or an answer that came too late. */
  readonly measure: 'errors' | 'upstream_errors' | 'duration' | 'first_byte'
  /** As declared; all routes for callers without it. */
  readonly route?: string
  /** Latest good answer, for `duration` and `first_byte`. */
  readonly within_ms?: number
  /** Share of good answers that is promised, in percent. */
  readonly target_percent: number
  readonly window_days?: number
}

/** A threshold over a reading of the last minutes. */
export interface AlertRule {
  readonly watch: 'error_percent' | 'errors_per_minute' | 'requests_per_minute' | 'p95_ms'
  readonly above: number
  readonly route?: string
  /** Tries at this provider, in place of requests. */
  readonly provider?: string
  /** Only errors of this code of the catalogue. */
  readonly code?: string
  readonly for_minutes?: number
  /** With fewer in that time nothing is said. */
  readonly least_requests?: number
  readonly severity?: Severity
}

/** `page`: somebody must look at once; `ticket`: within days. */
export type Severity = 'page' | 'ticket'

export const defaultWindowDays = 30
export const defaultForMinutes = 5
export const defaultLeastRequests = 20

/** What is wrong with a member beyond its schema, and what to do. */
export interface ObjectiveProblem {
  readonly member: string
  readonly message: string
  readonly fix: string
}

/** What is wrong with an objective beyond its schema. */
export const objectiveProblems = ({ measure, within_ms }: Objective): ObjectiveProblem[] => {
  const timed = measure === 'duration' || measure === 'first_byte'
  if (timed && within_ms === undefined)
    return [
      { member: 'within_ms', message: `is missing for the measure ${measure}`, fix: 'milliseconds, such as 2000' },
    ]
  if (!timed && within_ms !== undefined)
    return [{ member: 'within_ms', message: `has no meaning for the measure ${measure}`, fix: 'nothing here' }]
  return []
}

/** What is wrong with a rule beyond its schema. */
export const ruleProblems = ({ watch, code, provider, route }: AlertRule): ObjectiveProblem[] => {
  const problems: ObjectiveProblem[] = []
  if (code !== undefined && !watch.startsWith('error'))
    problems.push({ member: 'code', message: `has no meaning for ${watch}`, fix: 'nothing here' })
  if (provider !== undefined && route !== undefined)
    problems.push({ member: 'route', message: 'cannot stand beside provider', fix: 'one of the two' })
  return problems
}
