import {
  AdjustmentListSchema,
  type AdjustmentQuery,
  AdjustmentQuerySchema,
  AdjustmentSchema,
  type CreateAdjustment,
  CreateAdjustmentSchema,
} from '@headgate/contract/adjustments.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { Adjustments } from './adjustments.ports.ts'

/** What operators can add to the ledger, and see of it. */
export const adjustmentRoutes = ({ add, list }: Adjustments): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/ledger/adjustments',
    access: 'admin',
    permission: 'ledger:read',
    summary: 'Lists adjustments of the ledger, the newest first.',
    query: AdjustmentQuerySchema,
    reference: { operationId: 'listAdjustments', tag: 'Usage', answer: AdjustmentListSchema },
    handle: async ({ query }) => ({ kind: 'json', value: await list(query as AdjustmentQuery) }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/ledger/adjustments',
    access: 'admin',
    permission: 'ledger:write',
    summary:
      'Charges or credits a key or a project by a row of the ledger; in effect at once in the budget of the key.',
    body: CreateAdjustmentSchema,
    reference: {
      operationId: 'createAdjustment',
      tag: 'Usage',
      answer: AdjustmentSchema,
      status: 201,
      errors: ['resource_not_found'],
    },
    handle: async ({ body, actor, requestId }) => ({
      kind: 'json',
      status: 201,
      value: await add(body as CreateAdjustment, { actor, requestId }),
    }),
  }),
]
