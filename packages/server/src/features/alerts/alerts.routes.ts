import {
  type AlertList,
  AlertListSchema,
  type AlertQuery,
  AlertQuerySchema,
  type ObjectiveList,
  ObjectiveListSchema,
  ReceiverPathSchema,
  ReceiverTestSchema,
} from '@headgate/contract/alerts.ts'
import { Type } from 'typebox'
import { defaultWindowDays } from '../../domain/objective.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { Receiver } from './alerts.ports.ts'
import type { AlertStore, StoredAlert } from './alerts.store.ts'
import type { ObjectiveStanding } from './evaluate.ts'
import { viewAlert } from './messages.ts'

interface AlertRoutes {
  readonly standings: () => Promise<readonly ObjectiveStanding[]>
  readonly list: AlertStore['list']
  /** Evaluates at once, whoever's turn it is, and tells what changed. */
  readonly evaluate: () => Promise<void>
  readonly receivers: () => Readonly<Record<string, Receiver>>
  readonly test: (receiver: Receiver, alert: StoredAlert) => Promise<string | null>
  readonly rules: () => string
  readonly now: () => number
}

const PAGE = 20

const percent = (share: number): number => Math.round(share * 100_000) / 1_000
const rate = (value: number | undefined): number => Math.round((value ?? 0) * 1_000) / 1_000

const viewStanding = ({
  name,
  objective,
  total,
  bad,
  burnRates,
  worst,
}: ObjectiveStanding): ObjectiveList['data'][number] => {
  const allowed = total * (1 - objective.target_percent / 100)
  return {
    object: 'objective',
    name,
    measure: objective.measure,
    route: objective.route ?? null,
    within_ms: objective.within_ms ?? null,
    target_percent: objective.target_percent,
    window_days: objective.window_days ?? defaultWindowDays,
    requests: total,
    bad,
    attained_percent: total === 0 ? null : percent((total - bad) / total),
    budget_left_percent: total === 0 ? 100 : percent(1 - bad / allowed),
    burn_rates: {
      '5m': rate(burnRates['5m']),
      '30m': rate(burnRates['30m']),
      '1h': rate(burnRates['1h']),
      '6h': rate(burnRates['6h']),
      '3d': rate(burnRates['3d']),
    },
    worst: [...worst],
  }
}

/** What operators can ask of objectives and alerts. */
export const alertRoutes = (ports: AlertRoutes): Route[] => {
  const page = async (query: AlertQuery): Promise<AlertList> => {
    const limit = Number(query.limit ?? PAGE)
    const split = query.after?.indexOf('_') ?? -1
    const after = query.after ? { at: Number(query.after.slice(0, split)), id: query.after.slice(split + 1) } : null
    const { alerts, deliveries } = await ports.list(query.state !== 'all', after, limit + 1)
    const shown = alerts.slice(0, limit)
    const last = shown.at(-1)
    const more = alerts.length > limit
    return {
      object: 'list',
      data: shown.map((alert) => ({
        ...viewAlert(alert),
        deliveries: deliveries
          .filter(({ alert_id }) => alert_id === alert.id)
          .map(({ receiver, state, attempts, delivered, fault }) => ({ receiver, state, attempts, delivered, fault })),
      })),
      has_more: more,
      next_cursor: more && last ? `${last.startedAt}_${last.id}` : null,
    }
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/admin/v1/objectives',
      access: 'admin',
      permission: 'alerts:read',
      summary:
        'How every objective stands: what was attained, what is left of its error budget, how fast that goes, and where.',
      reference: {
        operationId: 'listObjectives',
        tag: 'Alerts',
        answer: ObjectiveListSchema,
        errors: ['database_unavailable'],
      },
      handle: async () => {
        const data = (await ports.standings()).map(viewStanding)
        return { kind: 'json', value: { object: 'list', data, has_more: false, next_cursor: null } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/alerts',
      access: 'admin',
      permission: 'alerts:read',
      summary: 'Lists the alerts that fire, or all of the last 90 days, and who was told.',
      query: AlertQuerySchema,
      reference: {
        operationId: 'listAlerts',
        tag: 'Alerts',
        answer: AlertListSchema,
        errors: ['database_unavailable'],
      },
      handle: async ({ query }) => ({ kind: 'json', value: await page(query as AlertQuery) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/admin/v1/alerts/evaluate',
      access: 'admin',
      permission: 'alerts:write',
      summary:
        'Evaluates objectives and rules at once, tells receivers of what changed, and lists the alerts that fire.',
      reference: {
        operationId: 'evaluateAlerts',
        tag: 'Alerts',
        answer: AlertListSchema,
        errors: ['database_unavailable'],
      },
      handle: async () => {
        await ports.evaluate()
        return { kind: 'json', value: await page({}) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/alerts/prometheus-rules',
      access: 'admin',
      permission: 'alerts:read',
      summary: 'The same objectives and rules as a rule file for Prometheus.',
      reference: {
        operationId: 'getPrometheusRules',
        tag: 'Alerts',
        answer: Type.String({ description: 'YAML.' }),
        contentType: 'application/yaml',
      },
      handle: () => ({ kind: 'bytes', contentType: 'application/yaml', bytes: ports.rules() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/admin/v1/receivers/:name/test',
      access: 'admin',
      permission: 'alerts:write',
      summary: 'Sends a receiver an alert to try it.',
      reference: {
        operationId: 'testReceiver',
        tag: 'Alerts',
        params: ReceiverPathSchema,
        answer: ReceiverTestSchema,
        errors: ['resource_not_found'],
      },
      handle: async ({ params }) => {
        const name = params['name'] ?? ''
        const receivers = ports.receivers()
        const receiver = Object.hasOwn(receivers, name) ? receivers[name] : undefined
        if (receiver === undefined) throw new AppError('resource_not_found')
        const fault = await ports.test(receiver, {
          id: 'alert_test',
          name: 'test',
          severity: 'ticket',
          summary: 'This is a test of the receiver; nothing is wrong.',
          value: 0,
          threshold: 0,
          startedAt: ports.now(),
          endedAt: null,
        })
        return { kind: 'json', value: { object: 'receiver_test', receiver: name, delivered: fault === null, fault } }
      },
    }),
  ]
}
