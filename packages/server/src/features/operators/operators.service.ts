import { createHmac, randomBytes } from 'node:crypto'
import type { Page } from '@headgate/contract/keys.ts'
import { pageOf } from '@headgate/contract/keys.ts'
import type {
  CreateOperator,
  CreateSession,
  OperatorView,
  SessionView,
  UpdateOperator,
} from '@headgate/contract/operators.ts'
import { type Permission, rolePermissions } from '@headgate/contract/roles.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Actor, AuditPort } from './operators.ports.ts'
import type { OperatorRow, OperatorsStore, SessionRow } from './operators.store.ts'

const PREFIX = 'hg_os_'
const SECRET_BYTES = 32
const form = /^hg_os_[\w-]{43}$/
const DEFAULT_SECONDS = 12 * 3_600
const DEFAULT_PAGE = 20

export interface OperatorsServiceOptions {
  readonly store: OperatorsStore
  readonly clock: Clock
  readonly audit: AuditPort
  /** The secret under which tokens are hashed, the same on every replica. */
  readonly pepper: Buffer
}

/** Whether a credential looks like the token of a session. */
export const looksLikeSession = (credential: string): boolean => credential.startsWith(PREFIX)

const presentOperator = (row: OperatorRow): OperatorView => ({
  object: 'operator',
  id: row.operator_id,
  name: row.name,
  role: row.role,
  state: row.state,
  created_at: row.created_at.toISOString(),
})

const presentSession = (row: SessionRow): SessionView => ({
  object: 'operator_session',
  id: row.session_id,
  operator: row.operator_id,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
  revoked_at: row.revoked_at?.toISOString() ?? null,
})

const audited = ({ name, role, state }: OperatorRow) => ({ name, role, state })

/** Operators and their sessions; every change is audited in its own transaction. Sessions are asked of PostgreSQL each time. */
export const createOperatorsService = ({ store, clock, audit, pepper }: OperatorsServiceOptions) => {
  const { statements } = store
  const hash = (token: string): Buffer => createHmac('sha256', pepper).update(token).digest()
  const notFound = (what: string) => new AppError('resource_not_found', { detail: `There is no such ${what}.` })
  const page = ({ limit, after }: { limit?: string; after?: string }) => ({
    limit: Number(limit ?? DEFAULT_PAGE),
    after: after ?? null,
  })

  return {
    create: (input: CreateOperator, actor: Actor): Promise<OperatorView> =>
      store.write(async (transaction) => {
        const now = clock.now()
        const row: OperatorRow = {
          operator_id: prefixedId('op', now),
          ...input,
          state: 'active',
          created_at: new Date(now),
        }
        await statements.insertOperator(transaction, row)
        await audit.record(transaction, {
          ...actor,
          action: 'operator.created',
          resource: `operator/${row.operator_id}`,
          after: audited(row),
        })
        return presentOperator(row)
      }),

    /** Whoever is disabled loses every session. @throws AppError `resource_not_found`. */
    update: (id: string, input: UpdateOperator, actor: Actor): Promise<OperatorView> =>
      store.write(async (transaction) => {
        const before = await statements.lockOperator(transaction, id)
        if (!before) throw notFound('operator')
        const after = { ...before, ...input }
        const at = new Date(clock.now())
        await statements.updateOperator(transaction, after, at)
        if (after.state === 'disabled') await statements.revokeSessions(transaction, id, at)
        await audit.record(transaction, {
          ...actor,
          action: 'operator.updated',
          resource: `operator/${id}`,
          before: audited(before),
          after: audited(after),
        })
        return presentOperator(after)
      }),

    list: async (query: { limit?: string; after?: string }): Promise<Page<OperatorView>> => {
      const { limit, after } = page(query)
      const rows = await store.read((read) => statements.operators(read, { after, limit: limit + 1 }))
      return pageOf(rows, limit, (row) => row.operator_id, presentOperator)
    },

    /** @throws AppError `resource_not_found`, `invalid_parameter` for who is disabled. */
    openSession: (input: CreateSession, actor: Actor): Promise<SessionView & { readonly token: string }> =>
      store.write(async (transaction) => {
        const operator = await statements.lockOperator(transaction, input.operator)
        if (!operator) throw notFound('operator')
        if (operator.state !== 'active')
          throw new AppError('invalid_parameter', {
            details: [{ location: 'operator', message: 'is disabled', fix: 'Make the operator active first.' }],
          })
        const now = clock.now()
        const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
        const row: SessionRow = {
          session_id: prefixedId('ses', now),
          operator_id: operator.operator_id,
          created_at: new Date(now),
          expires_at: new Date(now + (input.expires_in_seconds ?? DEFAULT_SECONDS) * 1_000),
          revoked_at: null,
        }
        await statements.insertSession(transaction, row, hash(token))
        await audit.record(transaction, {
          ...actor,
          action: 'operator_session.created',
          resource: `operator_session/${row.session_id}`,
          after: { operator: row.operator_id, expires_at: row.expires_at.toISOString() },
        })
        return { ...presentSession(row), token }
      }),

    listSessions: async (query: { limit?: string; after?: string }): Promise<Page<SessionView>> => {
      const { limit, after } = page(query)
      const rows = await store.read((read) => statements.sessions(read, { after, limit: limit + 1 }))
      return pageOf(rows, limit, (row) => row.session_id, presentSession)
    },

    /** Ends a session at once, on every replica. @throws AppError `resource_not_found`. */
    revokeSession: (id: string, actor: Actor): Promise<SessionView> =>
      store.write(async (transaction) => {
        const row = await statements.revokeSession(transaction, id, new Date(clock.now()))
        if (!row) throw notFound('session')
        await audit.record(transaction, {
          ...actor,
          action: 'operator_session.revoked',
          resource: `operator_session/${id}`,
          after: { operator: row.operator_id },
        })
        return presentSession(row)
      }),

    /**
     * The id of the operator who holds a session and may do this.
     * @throws AppError `session_invalid`, `session_expired`, `session_revoked`, `permission_missing`, `database_unavailable`.
     */
    authorise: async (token: string, permission: Permission): Promise<string> => {
      if (!form.test(token)) throw new AppError('session_invalid')
      const holder = await store.read((read) => statements.holder(read, hash(token)))
      if (!holder) throw new AppError('session_invalid')
      if (holder.revoked_at !== null || holder.state !== 'active') throw new AppError('session_revoked')
      if (clock.now() >= holder.expires_at.getTime()) throw new AppError('session_expired')
      if (!rolePermissions[holder.role].includes(permission))
        throw new AppError('permission_missing', {
          detail: `The role ${holder.role} lacks the permission ${permission}.`,
          params: { role: holder.role, permission },
        })
      return holder.operator_id
    },
  }
}

export type OperatorsService = ReturnType<typeof createOperatorsService>
