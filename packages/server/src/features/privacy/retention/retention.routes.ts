import { type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  type RetentionQuery,
  RetentionPlanSchema,
  RetentionQuerySchema,
  RetentionRecordPageQuerySchema,
  RetentionRecordPageSchema,
  type RetentionRun,
  RetentionRunBodySchema,
  RetentionRunSchema,
} from '@headgate/contract/privacy-retention.ts'
import { defineRoute, type Route } from '../../../kernel/route.ts'
import type { Retention } from './retention.ts'

const DEFAULT_PAGE = 20

/** The schedule of retention, what it would end, and what it has ended. */
export const retentionRoutes = (retention: Pick<Retention, 'plan' | 'run' | 'list'>): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/retention',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'How long the rows of each table are kept, and what would end now: a run without one.',
    query: RetentionQuerySchema,
    reference: { operationId: 'getRetention', tag: 'Privacy', answer: RetentionPlanSchema },
    handle: async ({ query }) => ({
      kind: 'json',
      value: {
        object: 'list' as const,
        data: await retention.plan((query as RetentionQuery).project ?? null),
        has_more: false,
        next_cursor: null,
      },
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/retention/runs',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Ends what is kept long enough, 1,000 rows of each class at most, and leaves signed records.',
    body: RetentionRunBodySchema,
    reference: { operationId: 'runRetention', tag: 'Privacy', answer: RetentionRunSchema },
    handle: async ({ body, actor, requestId }) => {
      const { project } = body as RetentionQuery
      const value: RetentionRun = await retention.run(project ?? null, { actor, requestId })
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/retention/records',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Lists the signed records of what has ended, the newest first.',
    query: RetentionRecordPageQuerySchema,
    reference: { operationId: 'listRetentionRecords', tag: 'Privacy', answer: RetentionRecordPageSchema },
    handle: async ({ query }) => {
      const { project, after, limit = DEFAULT_PAGE } = query as PageQuery
      const most = Number(limit)
      const rows = await retention.list(project ?? null, after ?? null, most + 1)
      const value = pageOf(
        rows,
        most,
        ({ id }) => id,
        (row) => row,
      )
      return { kind: 'json', value }
    },
  }),
]
