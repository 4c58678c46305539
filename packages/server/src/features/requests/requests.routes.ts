import {
  RequestListSchema,
  RequestPathSchema,
  type RequestQuery,
  RequestQuerySchema,
  RequestSchema,
  ServicesQuerySchema,
  ServicesSchema,
  type StatsQuery,
  StatsQuerySchema,
  StatsSchema,
  TraceListSchema,
} from '@headgate/contract/requests.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { MinuteStore, Range } from './minutes.store.ts'
import { viewRequest, viewTrace } from './presentation.ts'
import type { KeptRecord, RequestFilter, RequestStore } from './requests.store.ts'
import { servicesOf, statsOf } from './stats.ts'

export interface RequestRoutesOptions {
  readonly requests: Pick<RequestStore, 'list' | 'find'>
  readonly minutes: Pick<MinuteStore, 'byGroup' | 'byTime' | 'edges'>
  /** Writes what this process has not written yet; never rejects. */
  readonly settle: () => Promise<void>
  readonly now: () => number
}

const PAGE = 20
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const LONGEST_MS = 92 * DAY_MS
const LAST_TIME = Date.UTC(9999, 0)
/** About this many steps make a curve. */
const STEPS = 60
const steps = [1, 5, 10, 15, 30, 60, 120, 360, 720, 1_440].map((minutes) => minutes * MINUTE_MS)

const refuse = (location: string, message: string, fix: string): never => {
  throw new AppError('invalid_parameter', { details: [{ location, message, fix }] })
}

const readTime = (name: 'from' | 'to', text: string): number => {
  const time = Date.parse(text)
  return Number.isNaN(time) || time < 0 || time > LAST_TIME
    ? refuse(name, `${name} is no time`, 'Write it as 2026-01-31T00:00:00Z.')
    : time
}

const rangeOf = (query: { from?: string; to?: string }, now: number, lastMs: number): Range => {
  const to = query.to === undefined ? now + 1 : readTime('to', query.to)
  const from = query.from === undefined ? Math.max(0, to - lastMs) : readTime('from', query.from)
  if (from >= to) refuse('from', 'from must lie before to', 'Swap the two, or leave one out.')
  return { from, to }
}

/** Counts are kept by the minute, so a range of them begins with one, and is no longer than any is kept. */
const countedRange = (query: { from?: string; to?: string }, now: number): Range => {
  const { from, to } = rangeOf(query, now, HOUR_MS)
  if (to - from > LONGEST_MS) refuse('from', 'the range is longer than 92 days', 'Ask for a shorter range.')
  return { from: from - (from % MINUTE_MS), to }
}

const filterOf = (query: RequestQuery, now: number): RequestFilter => {
  const split = query.after?.indexOf('_') ?? -1
  const { status } = query
  const first = Number(status?.[0]) * 100
  return {
    ...rangeOf(query, now, LONGEST_MS),
    status:
      status === undefined
        ? null
        : status.endsWith('xx')
          ? { least: first, most: first + 99 }
          : { least: Number(status), most: Number(status) },
    code: query.code ?? null,
    route: query.route ?? null,
    model: query.model ?? null,
    provider: query.provider ?? null,
    key: query.key ?? null,
    project: query.project ?? null,
    kept: query.kept ?? null,
    verdict:
      query.verdict === undefined && query.check === undefined
        ? null
        : { ...(query.verdict && { decision: query.verdict }), ...(query.check && { check: query.check }) },
    traceId: query.trace_id ?? null,
    minDurationMs: query.min_duration_ms === undefined ? null : Number(query.min_duration_ms),
    after: query.after ? { at: Number(query.after.slice(0, split)), id: query.after.slice(split + 1) } : null,
    limit: Number(query.limit ?? PAGE),
  }
}

/** What operators can ask of the requests. */
export const requestRoutes = ({ requests, minutes, settle, now }: RequestRoutesOptions): Route[] => {
  const page = async <Item>(query: RequestQuery, present: (kept: KeptRecord) => Item) => {
    const filter = filterOf(query, now())
    await settle()
    const rows = await requests.list({ ...filter, limit: filter.limit + 1 })
    const shown = rows.slice(0, filter.limit)
    const last = shown.at(-1)?.record
    const more = rows.length > filter.limit
    return {
      object: 'list',
      data: shown.map(present),
      has_more: more,
      next_cursor: more && last ? `${last.at}_${last.id}` : null,
    }
  }
  return [
    defineRoute({
      method: 'GET',
      path: '/admin/v1/requests',
      access: 'admin',
      permission: 'requests:read',
      summary: 'Lists kept requests with their stages, the newest first.',
      query: RequestQuerySchema,
      reference: { operationId: 'listRequests', tag: 'Requests', answer: RequestListSchema },
      handle: async ({ query }) => ({ kind: 'json', value: await page(query, viewRequest) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/requests/:id',
      access: 'admin',
      permission: 'requests:read',
      summary: 'Shows one kept request, by its id or the x-request-id it was sent with.',
      reference: {
        operationId: 'getRequest',
        tag: 'Requests',
        answer: RequestSchema,
        params: RequestPathSchema,
        errors: ['resource_not_found'],
      },
      handle: async ({ params }) => {
        await settle()
        const found = await requests.find(params['id'] ?? '')
        if (!found) throw new AppError('resource_not_found')
        return { kind: 'json', value: viewRequest(found) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/traces',
      access: 'admin',
      permission: 'requests:read',
      summary: 'Lists kept requests as traces with their spans, the newest first.',
      query: RequestQuerySchema,
      reference: { operationId: 'listTraces', tag: 'Requests', answer: TraceListSchema },
      handle: async ({ query }) => ({ kind: 'json', value: await page(query, viewTrace) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/stats',
      access: 'admin',
      permission: 'requests:read',
      summary: 'Rates, percentiles and errors of all requests of a range, in total, by group and over time.',
      query: StatsQuerySchema,
      reference: { operationId: 'getStats', tag: 'Requests', answer: StatsSchema },
      handle: async ({ query: raw }) => {
        const query = raw as StatsQuery
        const range = countedRange(query, now())
        const stepMs = steps.find((step) => (range.to - range.from) / step <= STEPS) ?? DAY_MS
        await settle()
        const [grouped, timed] = await Promise.all([
          minutes.byGroup(query.group_by ?? 'route', range),
          minutes.byTime(stepMs, range),
        ])
        return { kind: 'json', value: statsOf(range, grouped, timed, stepMs) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/services',
      access: 'admin',
      permission: 'requests:read',
      summary: 'The service map: callers, gateway and providers, with rates, errors and percentiles of each.',
      query: ServicesQuerySchema,
      reference: { operationId: 'getServiceMap', tag: 'Requests', answer: ServicesSchema },
      handle: async ({ query }) => {
        const range = countedRange(query, now())
        await settle()
        return { kind: 'json', value: servicesOf(range, await minutes.edges(range)) }
      },
    }),
  ]
}
