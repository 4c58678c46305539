import type { BudgetAlert } from '../domain/budget-alert.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { Intent, Settlement } from '../domain/hold.ts'
import { formatUsd } from '../domain/money.ts'
import type { Verdict } from '../features/safety/safety.ports.ts'
import type { Answered } from '../http/ports.ts'
import type { Log, LogFields } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'

const NANO_PER_USD = 1e9

/** Least time between two looks at the lists, for models that they did not have. */
const LOOK_EVERY_MS = 1_000

/**
 * The `model` label of a target: its name where the house lists it, else `<provider>/other`, because callers may name any
 * model of a provider and every label is a series that stays.
 */
export const createModelLabel = (listed: () => Iterable<string>, monotonic: () => number) => {
  let names: ReadonlySet<string> = new Set()
  let lookedAt = Number.NEGATIVE_INFINITY
  return (target: string): string => {
    if (names.has(target)) return target
    const now = monotonic()
    if (now - lookedAt >= LOOK_EVERY_MS) {
      lookedAt = now
      names = new Set(listed())
      if (names.has(target)) return target
    }
    return `${target.slice(0, target.indexOf('/'))}/other`
  }
}

/** One function per business event: each writes its log line and its counters. */
export const createObserve = (log: Log, metrics: Metrics, modelLabel: (target: string) => string) => ({
  /** An HTTP request was answered. */
  answered: ({ requestId, method, route, status, durationMs, isDeprecated, fault, caller }: Answered): void => {
    metrics.requests(route, String(status)).inc()
    metrics.duration(route).observe(durationMs / 1000)
    const duration_ms = Math.round(durationMs * 100) / 100
    // Two whole literals rather than a spread: this is the line of every request.
    let fields: LogFields = caller
      ? {
          request_id: requestId,
          method,
          route,
          status,
          duration_ms,
          project: caller.projectId,
          key_id: caller.keyId,
          tier: caller.tier,
        }
      : { request_id: requestId, method, route, status, duration_ms }
    if (isDeprecated) {
      metrics.deprecated(method, route).inc()
      fields = { ...fields, deprecated: true }
    }
    if (fault === null) {
      log.info(fields, 'Request answered')
      return
    }
    metrics.errors(route, fault.code).inc()
    if (fault.code === 'internal_error') {
      const reason = fault.cause instanceof Error ? fault.cause : fault
      log.error({ ...fields, code: fault.code, error: reason }, 'Request failed by a defect')
    } else log.info({ ...fields, code: fault.code }, 'Request refused or failed')
  },

  /** An account of a budget reached a threshold. */
  budgetAlert: ({ budget, budgetId, projectId, kind, limit, spent, forecast }: BudgetAlert): void => {
    metrics.budgetAlerts(budget ?? 'key', kind).inc()
    const reached = kind === 'forecast' ? `on the way to ${formatUsd(forecast ?? 0n)}` : `${kind} %`
    log.warn(
      {
        component: 'ledger',
        id: budgetId,
        ...(projectId !== '' && { project: projectId }),
        reason: `${reached}: ${formatUsd(spent)} of ${formatUsd(limit)} USD spent`,
      },
      'A budget reached a threshold',
    )
  },

  /** A safety check judged a call. Its text is in neither. */
  verdict: ({ requestId, caller, walk }: Exchange, { check, decision, category, score = null, of }: Verdict): void => {
    walk.judged({ of, check, decision, category, score })
    metrics.verdicts(check, decision).inc()
    if (decision === 'passed') return
    log.info(
      {
        component: 'safety',
        request_id: requestId,
        project: caller.projectId,
        key_id: caller.keyId,
        outcome: decision,
        reason: `${of}: ${check}${category === null ? '' : ` (${category})`}`,
      },
      'A safety check found something',
    )
  },

  /** A call reached the ledger. */
  settled: (intent: Intent, settlement: Settlement, queuedMs: number): void => {
    const { target, usage, outcome } = settlement
    const model = modelLabel(target)
    metrics.calls(model, outcome).inc()
    metrics.tokens(model, 'input').inc(usage.inputTokens)
    metrics.tokens(model, 'output').inc(usage.outputTokens)
    if (settlement.cost !== null && settlement.cost > 0n)
      metrics.cost(model).inc(Number(settlement.cost) / NANO_PER_USD)
    if (settlement.saved !== undefined && settlement.saved !== null)
      metrics.cacheSaved(model).inc(Number(settlement.saved) / NANO_PER_USD)
    if (settlement.firstByteMs !== null) {
      metrics.firstByte(model).observe(settlement.firstByteMs / 1000)
      if (usage.outputTokens > 1) {
        const seconds = (settlement.durationMs - settlement.firstByteMs) / 1000
        metrics.perToken(model).observe(seconds / (usage.outputTokens - 1))
      }
    }
    let upstreamMs = 0
    for (const attempt of settlement.attempts) {
      upstreamMs += attempt.durationMs
      metrics.attempts(attempt.target.slice(0, attempt.target.indexOf('/')), attempt.fault ?? 'ok').inc()
    }
    if (!intent.stream) {
      metrics.overhead(intent.operation).observe(Math.max(0, settlement.durationMs - upstreamMs - queuedMs) / 1000)
    }
    if (settlement.estimated || settlement.fault !== null) {
      log.info(
        {
          id: intent.id,
          request_id: intent.requestId,
          model: target,
          outcome,
          attempts: settlement.attempts.length,
          ...(settlement.fault !== null && { code: settlement.fault }),
        },
        'Call settled',
      )
    }
  },
})
