import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  type CreateHold,
  CreateHoldSchema,
  type LegalHold,
  LegalHoldPageQuerySchema,
  LegalHoldPageSchema,
  LegalHoldPathSchema,
  LegalHoldSchema,
} from '@headgate/contract/privacy-holds.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { ErasurePorts } from './erasures.ts'
import type { HoldRow, HoldStore } from './holds.store.ts'

const DEFAULT_PAGE = 20

/** Legal holds: what must not be erased for now. */
export const holdRoutes = (
  store: HoldStore,
  clock: Clock,
  record: ErasurePorts['record'],
  /** Told that erasures may go on. */
  onReleased: () => void,
): Route[] => {
  const present = (row: HoldRow): LegalHold => ({
    object: 'legal_hold',
    id: row.hold_id,
    project: row.project_id,
    of: row.subject === null ? 'project' : 'person',
    reason: row.reason,
    is_open: row.released_at === null && row.expires_at.getTime() > clock.now(),
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    released_at: row.released_at?.toISOString() ?? null,
  })
  return [
    defineRoute({
      method: 'POST',
      path: '/admin/v1/privacy/holds',
      access: 'admin',
      permission: 'privacy:write',
      summary: 'Holds the data of a person, or of a project: erasures wait until it ends.',
      body: CreateHoldSchema,
      reference: { operationId: 'createHold', tag: 'Privacy', answer: LegalHoldSchema, errors: ['invalid_parameter'] },
      handle: async ({ body, actor, requestId }) => {
        const { project, user, reason, expires_at: expires } = body as CreateHold
        const [at, until] = [new Date(clock.now()), new Date(expires)]
        if (!(until > at)) {
          throw new AppError('invalid_parameter', {
            details: [{ location: '/expires_at', message: 'is no time to come', fix: 'Name a later one.' }],
          })
        }
        const id = prefixedId('hold', clock.now())
        const row = await store.add({ project, id, user: user ?? null, reason, by: actor, at, until }, (transaction) =>
          record(transaction, {
            ...{ actor, action: 'legal_hold.created', resource: `legal_hold/${id}`, project, requestId, reason },
          }),
        )
        return { kind: 'json', value: present(row) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/privacy/holds',
      access: 'admin',
      permission: 'privacy:read',
      summary: 'Lists legal holds, the newest first.',
      query: LegalHoldPageQuerySchema,
      reference: { operationId: 'listHolds', tag: 'Privacy', answer: LegalHoldPageSchema },
      handle: async ({ query }) => {
        const { project, after, limit } = query as PageQuery
        const most = Number(limit ?? DEFAULT_PAGE)
        const value: Page<LegalHold> = pageOf(
          (await store.list(project ?? null, after ?? null, most + 1)).map(present),
          most,
          ({ id }) => id,
          (row) => row,
        )
        return { kind: 'json', value }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/admin/v1/privacy/holds/:hold_id',
      access: 'admin',
      permission: 'privacy:write',
      summary: 'Ends a legal hold: erasures that waited for it go on.',
      reference: {
        operationId: 'releaseHold',
        tag: 'Privacy',
        params: LegalHoldPathSchema,
        answer: LegalHoldSchema,
        errors: ['legal_hold_not_found'],
      },
      handle: async ({ params, actor, requestId }) => {
        const id = params['hold_id'] ?? ''
        const row = await store.release(id, (transaction, project) =>
          record(transaction, {
            ...{ actor, action: 'legal_hold.released', resource: `legal_hold/${id}`, project, requestId },
          }),
        )
        if (row === null) throw new AppError('legal_hold_not_found')
        onReleased()
        return { kind: 'json', value: present(row) }
      },
    }),
  ]
}
