import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  type DataMapQuery,
  DataMapQuerySchema,
  DataMapSchema,
  type Erase,
  EraseSchema,
  type Erasure,
  ErasurePageQuerySchema,
  ErasurePageSchema,
  ErasurePathSchema,
  ErasureSchema,
  ReceiptKeySchema,
} from '@headgate/contract/privacy.ts'
import { Type } from 'typebox'
import type { Exchange } from '../../domain/exchange.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { TableMap } from './data-map.ts'
import type { Erasures } from './erasures.ts'
import type { Person } from './erasures.store.ts'
import { mapAsCsv, presentMap } from './presentation.ts'

const DEFAULT_PAGE = 20

/** What operators can read of what is held of people. */
export const inventoryRoutes = (map: Readonly<Record<string, TableMap>>): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/data-map',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Every table and column: what it holds of people, why, how long, and what an erasure does with it.',
    query: DataMapQuerySchema,
    reference: {
      operationId: 'getDataMap',
      tag: 'Privacy',
      answer: DataMapSchema,
      otherTypes: { 'text/csv': Type.String({ description: 'A row for each column, the names of the cells first.' }) },
    },
    handle: async ({ query }) => {
      if ((query as DataMapQuery).format === 'csv')
        return { kind: 'bytes', contentType: 'text/csv; charset=utf-8; header=present', bytes: mapAsCsv(map) }
      const data = presentMap(map)
      return { kind: 'json', value: { object: 'list' as const, data, has_more: false, next_cursor: null } }
    },
  }),
]

/** Who asks for themself: the person who is proven, or whom a backend names. @throws AppError `person_missing` */
export const selfOf = ({ caller, user }: Exchange): Person => {
  const named = caller.person ?? (caller.kind === 'secret' ? user : null)
  if (named === null) throw new AppError('person_missing')
  return { project: caller.projectId, user: named }
}

/** Erasing people: by operators, and by people themselves. */
export const erasureRoutes = (erasures: Pick<Erasures, 'erase' | 'find' | 'list' | 'publicKey'>): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/privacy/erasures',
    access: 'caller',
    browser: true,
    summary: 'Erases what is held of the person who asks: of the token, or of `x-headgate-user`.',
    body: Type.Object({}, { additionalProperties: false }),
    reference: { operationId: 'eraseSelf', tag: 'Privacy', answer: ErasureSchema, errors: ['person_missing'] },
    handle: async ({ exchange, requestId }) => ({
      kind: 'json',
      value: await erasures.erase(selfOf(exchange), { actor: `caller/${exchange.caller.keyId}`, requestId }),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/erasures',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Erases what is held of a person; the same again is the same erasure while it is under way.',
    body: EraseSchema,
    reference: { operationId: 'erasePerson', tag: 'Privacy', answer: ErasureSchema },
    handle: async ({ body, actor, requestId }) => {
      const { project, user, reason } = body as Erase
      const by = { actor, requestId, ...(reason !== undefined && { reason }) }
      return { kind: 'json', value: await erasures.erase({ project, user }, by) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/erasures',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Lists erasures, the newest first.',
    query: ErasurePageQuerySchema,
    reference: { operationId: 'listErasures', tag: 'Privacy', answer: ErasurePageSchema },
    handle: async ({ query }) => {
      const { project, after, limit = DEFAULT_PAGE } = query as PageQuery
      const most = Number(limit)
      const rows = await erasures.list(project ?? null, after ?? null, most + 1)
      const value: Page<Erasure> = pageOf(
        rows,
        most,
        ({ id }) => id,
        (row) => row,
      )
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/erasures/:erasure_id',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Shows an erasure, with its receipt once it is done.',
    reference: {
      operationId: 'getErasure',
      tag: 'Privacy',
      params: ErasurePathSchema,
      answer: ErasureSchema,
      errors: ['erasure_not_found'],
    },
    handle: async ({ params }) => ({ kind: 'json', value: await erasures.find(params['erasure_id'] ?? '') }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/receipt-key',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'The public key that receipts of erasures are verified by.',
    reference: { operationId: 'getReceiptKey', tag: 'Privacy', answer: ReceiptKeySchema },
    handle: async () => ({
      kind: 'json',
      value: { object: 'receipt_key' as const, algorithm: 'Ed25519' as const, public_key: erasures.publicKey },
    }),
  }),
]
