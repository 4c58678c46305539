import { stringify } from 'yaml'
import {
  type AlertRule,
  defaultForMinutes,
  defaultLeastRequests,
  type Objective,
  type Severity,
} from '../../domain/objective.ts'
import { burnAlerts } from './evaluate.ts'
import { ownErrorCodes, upstreamErrorCodes } from './signals.ts'

interface PrometheusRule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const quoted = (text: string): string => JSON.stringify(text)
const oneOf = (codes: readonly string[]): string => quoted(codes.join('|'))
/** Objectives are about callers: health and operators' routes are not. */
const routeIs = (route: string | undefined): string =>
  route === undefined ? 'route=~"/v1/.*"' : `route=${quoted(route)}`
const rateOf = (metric: string, selector: string, window: string): string =>
  `sum(rate(${metric}{${selector}}[${window}]))`
/** PromQL takes every character but letters, digits and _ for something else. */
const alertName = (name: string): string => `Headgate_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`

/** Share of bad answers over a window. */
const badShare = (objective: Objective, window: string, bounds: readonly number[]): string => {
  const { measure, route, within_ms = 0 } = objective
  if (measure === 'errors' || measure === 'upstream_errors') {
    const codes = measure === 'errors' ? ownErrorCodes : upstreamErrorCodes
    const bad = rateOf('headgate_errors_total', `code=~${oneOf(codes)},${routeIs(route)}`, window)
    return `${bad} / ${rateOf('headgate_requests_total', `status!~"4..",${routeIs(route)}`, window)}`
  }
  // The histogram of the first byte is by model.
  const [metric, selector] =
    measure === 'duration'
      ? ['headgate_request_duration_seconds', `,${routeIs(route)}`]
      : ['headgate_first_byte_seconds', '']
  const bound = bounds.findLast((seconds) => seconds * 1_000 <= within_ms) ?? bounds[0]
  const good = rateOf(`${metric}_bucket`, `le=${quoted(String(bound))}${selector}`, window)
  return `1 - ${good} / ${rateOf(`${metric}_count`, selector.slice(1), window)}`
}

const objectiveRules = (name: string, objective: Objective, bounds: readonly number[]): PrometheusRule[] =>
  burnAlerts.map(({ severity, rate, long, short }) => {
    const most = `${rate} * (1 - ${objective.target_percent} / 100)`
    return {
      alert: alertName(`objective_${name}_burns_${String(rate).replace('.', '_')}`),
      expr: [long, short].map((window) => `((${badShare(objective, window, bounds)}) > ${most})`).join('\nand\n'),
      labels: { severity, objective: name },
      annotations: { summary: `The error budget of ${name} goes more than ${rate} times as fast as it may.` },
    }
  })

const readingOf = (rule: AlertRule, window: string): string => {
  const { watch, provider, route, code } = rule
  const all =
    provider === undefined
      ? rateOf('headgate_requests_total', routeIs(route), window)
      : rateOf('headgate_upstream_attempts_total', `provider=${quoted(provider)}`, window)
  if (watch === 'requests_per_minute') return `${all} * 60`
  if (watch === 'p95_ms') {
    const buckets = `sum by (le) (rate(headgate_request_duration_seconds_bucket{${routeIs(route)}}[${window}]))`
    return `histogram_quantile(0.95, ${buckets}) * 1000`
  }
  const errors =
    provider === undefined
      ? rateOf(
          'headgate_errors_total',
          `${code === undefined ? 'code!="client_closed_request"' : `code=${quoted(code)}`},${routeIs(route)}`,
          window,
        )
      : rateOf(
          'headgate_upstream_attempts_total',
          `provider=${quoted(provider)},${code === undefined ? 'result!~"ok|client_closed_request"' : `result=${quoted(code)}`}`,
          window,
        )
  return watch === 'errors_per_minute' ? `${errors} * 60` : `${errors} / ${all} * 100`
}

const ruleOf = (name: string, rule: AlertRule): PrometheusRule[] => {
  // No histogram has both the tries of one provider and their durations.
  if (rule.watch === 'p95_ms' && rule.provider !== undefined) return []
  const minutes = rule.for_minutes ?? defaultForMinutes
  const window = `${minutes}m`
  const least = rule.least_requests ?? defaultLeastRequests
  const seen =
    rule.provider === undefined
      ? `sum(increase(headgate_requests_total{${routeIs(rule.route)}}[${window}]))`
      : `sum(increase(headgate_upstream_attempts_total{provider=${quoted(rule.provider)}}[${window}]))`
  const severity: Severity = rule.severity ?? 'ticket'
  return [
    {
      alert: alertName(`rule_${name}`),
      expr: `((${readingOf(rule, window)}) > ${rule.above})\nand\n(${seen} >= ${least})`,
      labels: { severity, rule: name },
      annotations: { summary: `${rule.watch} is above ${rule.above} over ${minutes} minutes.` },
    },
  ]
}

/**
 * The objectives and rules as a rule file for Prometheus (prometheus.io/docs/prometheus/latest/configuration/alerting_rules), over the
 * metrics of this house. A latency is judged at the nearest bound of the histogram that is not beyond it. What Prometheus cannot
 * read from the metrics (the 95th percentile of one provider) is left out.
 */
export const prometheusRules = (
  objectives: Readonly<Record<string, Objective>>,
  rules: Readonly<Record<string, AlertRule>>,
  bounds: readonly number[],
): string =>
  stringify(
    {
      groups: [
        {
          name: 'headgate',
          rules: [
            ...Object.entries(objectives).flatMap(([name, objective]) => objectiveRules(name, objective, bounds)),
            ...Object.entries(rules).flatMap(([name, rule]) => ruleOf(name, rule)),
          ],
        },
      ],
    },
    { lineWidth: 0 },
  )
