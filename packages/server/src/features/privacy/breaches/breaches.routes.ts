import { type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  BreachPageQuerySchema,
  BreachPageSchema,
  BreachPathSchema,
  BreachSchema,
  type ChangeBreach,
  ChangeBreachSchema,
  type OpenBreach,
  OpenBreachSchema,
} from '@headgate/contract/privacy-breaches.ts'
import { defineRoute, type Route } from '../../../kernel/route.ts'
import type { Breaches } from './breaches.ts'

const DEFAULT_PAGE = 20

/** Breaches, and their clock. */
export const breachRoutes = (breaches: Pick<Breaches, 'open' | 'change' | 'find' | 'list'>): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/breaches',
    access: 'admin',
    permission: 'privacy:write',
    summary:
      'Opens a breach of personal data: from becoming aware of it, 72 hours run until the authority has to know.',
    body: OpenBreachSchema,
    reference: { operationId: 'openBreach', tag: 'Privacy', answer: BreachSchema, errors: ['invalid_parameter'] },
    handle: async ({ body, actor, requestId }) => ({
      kind: 'json',
      value: await breaches.open(body as OpenBreach, { actor, requestId }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/breaches',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Lists breaches, the newest first.',
    query: BreachPageQuerySchema,
    reference: { operationId: 'listBreaches', tag: 'Privacy', answer: BreachPageSchema },
    handle: async ({ query }) => {
      const { after, limit } = query as PageQuery
      const most = Number(limit ?? DEFAULT_PAGE)
      const value = pageOf(
        await breaches.list(after ?? null, most + 1),
        most,
        ({ id }) => id,
        (row) => row,
      )
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/breaches/:breach_id',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Shows a breach, its clock, and how many people it concerns as of now.',
    reference: {
      ...{ operationId: 'getBreach', tag: 'Privacy', params: BreachPathSchema, answer: BreachSchema },
      errors: ['breach_not_found'],
    },
    handle: async ({ params }) => ({ kind: 'json', value: await breaches.find(params['breach_id'] ?? '') }),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/admin/v1/privacy/breaches/:breach_id',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Notes what was found out and done: the risk, that the authority and people were told, that it is over.',
    body: ChangeBreachSchema,
    reference: {
      ...{ operationId: 'changeBreach', tag: 'Privacy', params: BreachPathSchema, answer: BreachSchema },
      errors: ['breach_not_found', 'invalid_parameter'],
    },
    handle: async ({ params, body, actor, requestId }) => ({
      kind: 'json',
      value: await breaches.change(params['breach_id'] ?? '', body as ChangeBreach, { actor, requestId }),
    }),
  }),
]
