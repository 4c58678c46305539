import { RequestBodiesSchema, RequestPathSchema } from '@headgate/contract/requests.ts'
import { AppError } from '../../kernel/errors.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { KeptBodies } from './bodies.store.ts'

/** What operators can read of logged bodies. */
export const bodyLogRoutes = (
  show: (id: string, by: Pick<AdminInput, 'actor' | 'requestId'>) => Promise<KeptBodies | null>,
): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/requests/:id/bodies',
    access: 'admin',
    permission: 'bodies:read',
    summary: 'Shows the logged bodies of a request, redacted; who reads them is in the audit.',
    reference: {
      operationId: 'getRequestBodies',
      tag: 'Requests',
      params: RequestPathSchema,
      answer: RequestBodiesSchema,
      errors: ['resource_not_found'],
    },
    handle: async ({ params, actor, requestId }) => {
      const id = params['id'] ?? ''
      const bodies = await show(id, { actor, requestId })
      if (!bodies) throw new AppError('resource_not_found')
      return {
        kind: 'json',
        value: {
          object: 'request_bodies',
          id,
          request: bodies.request,
          answer: bodies.answer,
          request_bytes: bodies.requestBytes,
          answer_bytes: bodies.answerBytes,
          cut: bodies.cut,
          redactions: bodies.redactions,
        },
      }
    },
  }),
]
