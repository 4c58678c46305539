import {
  UsageDetailSchema,
  UsageListSchema,
  UsagePathSchema,
  type UsageQuery,
  UsageQuerySchema,
  type UsageReportQuery,
  UsageReportQuerySchema,
  UsageReportSchema,
} from '@headgate/contract/usage.ts'
import { type BudgetStanding, viewStanding } from '../../domain/budget-standing.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { BudgetState } from './budgets.store.ts'
import type { Drain } from './drain.ts'
import type { LedgerRow } from './row.ts'
import { viewBudget, viewDetail, viewEntry, viewQueued, viewTotals } from './usage-view.ts'
import { mostGroups, type Range, type UsageStore } from './usage.store.ts'

export interface UsageRoutesOptions {
  readonly store: UsageStore
  /** Rows that are settled here and not yet in PostgreSQL. */
  readonly drain: Pick<Drain, 'byId' | 'find'>
  readonly budgets: (ids: readonly string[]) => Promise<ReadonlyMap<string, BudgetState>>
  /** Budgets that a caller may look at; `shared` are those of several projects, of which no figure is told. */
  readonly standingsOf: (
    caller: Caller,
    user: string | null,
  ) => Promise<readonly { readonly standing: BudgetStanding; readonly shared: boolean }[]>
  readonly now: () => number
}

const MONTH_MS = 30 * 86_400_000
const PAGE = 20
const LAST_TIME = Date.UTC(9999, 0)

const readTime = (name: 'from' | 'to', text: string): number => {
  const time = Date.parse(text)
  // PostgreSQL knows no year 0, and no ledger has rows from before 1970.
  if (Number.isNaN(time) || time < 0 || time > LAST_TIME) {
    throw new AppError('invalid_parameter', {
      details: [{ location: name, message: `${name} is no time`, fix: 'Write it as 2026-01-31T00:00:00Z.' }],
    })
  }
  return time
}

const rangeOf = (query: { readonly from?: string; readonly to?: string }, now: number): Range => {
  const to = query.to === undefined ? now + 1 : readTime('to', query.to)
  return { from: query.from === undefined ? to - MONTH_MS : readTime('from', query.from), to }
}

/** A person sees their own calls, a secret key those of its project, a page those that it made for nobody. */
const isVisible = (caller: Caller, project: string, key: string, user: string | null): boolean => {
  if (project !== caller.projectId) return false
  if (caller.person !== null) return user === caller.person
  return caller.kind === 'secret' || (key === caller.keyId && user === null)
}

/** What callers and operators can read of the ledger. */
export const usageRoutes = ({ store, drain, budgets, standingsOf, now }: UsageRoutesOptions): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/usage',
    access: 'caller',
    browser: 'person',
    summary:
      'Lists what calls consumed and cost, with totals of the range and what each budget has left; to a person, their own.',
    query: UsageQuerySchema,
    reference: { operationId: 'listUsage', tag: 'Usage', answer: UsageListSchema },
    handle: async ({ exchange, query: raw }) => {
      const query = raw as UsageQuery
      const { projectId, person } = exchange.caller
      // The budget is the app's, and a person's calls may have come by any of its keys.
      const budgetId = person === null ? exchange.caller.budgetId : null
      const keyId = query.scope === 'project' || person !== null ? null : exchange.caller.keyId
      const limit = Number(query.limit ?? PAGE)
      const range = rangeOf(query, now())
      const asked = { projectId, keyId, user: person, range }
      const split = query.after?.indexOf('_') ?? -1
      const after = query.after ? { at: Number(query.after.slice(0, split)), id: query.after.slice(split + 1) } : null
      const [rows, totals, states, standings] = await Promise.all([
        store.list({ ...asked, limit: limit + 1, after }),
        store.totals(asked),
        budgetId === null ? null : budgets([budgetId]),
        standingsOf(exchange.caller, exchange.user),
      ])
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      const budget = budgetId === null ? undefined : states?.get(budgetId)
      return {
        kind: 'json',
        value: {
          object: 'list',
          data: page.map(viewEntry),
          has_more: rows.length > limit,
          next_cursor: rows.length > limit && last ? `${last.at.getTime()}_${last.request_id}` : null,
          totals: viewTotals(totals),
          budget: budget ? viewBudget(budget) : null,
          budgets: standings.map(({ standing, shared }) => viewStanding(standing, !shared)),
        },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/usage/:request_id',
    access: 'caller',
    browser: true,
    summary: 'Shows what one call consumed and cost, by its id or the x-request-id it was sent with.',
    reference: {
      operationId: 'getUsage',
      tag: 'Usage',
      params: UsagePathSchema,
      answer: UsageDetailSchema,
      errors: ['resource_not_found'],
    },
    handle: async ({ exchange, params }) => {
      const { caller } = exchange
      const id = params['request_id'] ?? ''
      const visible = (row: LedgerRow) => isVisible(caller, row.projectId, row.keyId, row.user)
      const queued = drain.byId(id) ?? drain.find((row) => row.requestId === id && visible(row))
      if (queued && visible(queued)) {
        return { kind: 'json', value: viewQueued(queued) }
      }
      const found = await store.find(caller.projectId, id)
      if (!found || !isVisible(caller, found.entry.project_id, found.entry.key_id, found.entry.user_name)) {
        throw new AppError('resource_not_found')
      }
      return { kind: 'json', value: viewDetail(found) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/usage',
    access: 'admin',
    permission: 'usage:read',
    summary: 'Sums up usage and cost by model, key, user or day.',
    query: UsageReportQuerySchema,
    reference: { operationId: 'reportUsage', tag: 'Usage', answer: UsageReportSchema },
    handle: async ({ query: raw }) => {
      const query = raw as UsageReportQuery
      const range = rangeOf(query, now())
      const rows = await store.report(query.group_by ?? 'model', query.project ?? null, range)
      return {
        kind: 'json',
        value: {
          object: 'list',
          data: rows.slice(0, mostGroups).map((row) => ({ group: row.group_name, ...viewTotals(row) })),
          has_more: rows.length > mostGroups,
          next_cursor: null,
          from: new Date(range.from).toISOString(),
          to: new Date(range.to).toISOString(),
        },
      }
    },
  }),
]
