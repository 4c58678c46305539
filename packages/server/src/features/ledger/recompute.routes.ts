import { RecomputationSchema, type RecomputeInput, RecomputeSchema } from '@headgate/contract/recompute.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { Recompute } from './recompute.ports.ts'

/** Pricing anew, for operators. */
export const recomputeRoutes = ({ run }: Pick<Recompute, 'run'>): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/ledger/recompute',
    access: 'admin',
    permission: 'ledger:write',
    summary:
      'Prices the calls of a range anew after a wrong price: says what differs and, with apply, writes it as corrections.',
    body: RecomputeSchema,
    reference: { operationId: 'recomputeLedger', tag: 'Usage', answer: RecomputationSchema },
    handle: async ({ body, actor, requestId }) => ({
      kind: 'json',
      value: await run(body as RecomputeInput, { actor, requestId }),
    }),
  }),
]
