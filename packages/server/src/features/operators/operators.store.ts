import type { Role } from '@headgate/contract/roles.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'

/** A row of headgate.operators. */
export interface OperatorRow {
  readonly operator_id: string
  readonly name: string
  readonly role: Role
  readonly state: 'active' | 'disabled'
  readonly created_at: Date
}

/** A row of headgate.operator_sessions, without its hash. */
export interface SessionRow {
  readonly session_id: string
  readonly operator_id: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly revoked_at: Date | null
}

/** What a token says of its holder. */
export interface SessionHolder {
  readonly operator_id: string
  readonly role: Role
  readonly state: OperatorRow['state']
  readonly expires_at: Date
  readonly revoked_at: Date | null
}

const OPERATOR = 'operator_id, name, role, state, created_at'
const SESSION = 'session_id, operator_id, created_at, expires_at, revoked_at'

const unavailable = (cause: unknown): never => {
  throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

/** Runs reads and writes of operators. @throws AppError `database_unavailable`. */
export const createOperatorsStore = (database: Database) => ({
  read: <T>(work: (read: Read) => Promise<T>): Promise<T> => database.read('system', work).catch(unavailable),
  write: <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    database.transaction('system', work).catch(unavailable),
  statements,
})

export type OperatorsStore = ReturnType<typeof createOperatorsStore>

/** A page of a list: newest first; `after` is the id of the last one seen. */
interface PageOf {
  readonly after: string | null
  readonly limit: number
}

/** One function per statement. */
const statements = {
  insertOperator: async ({ execute }: Transaction, row: OperatorRow): Promise<void> => {
    await execute(
      `INSERT INTO headgate.operators (operator_id, name, role, state, created_at, changed_at)
       VALUES ($1, $2, $3, $4, $5, $5)`,
      [row.operator_id, row.name, row.role, row.state, row.created_at],
    )
  },

  updateOperator: async ({ execute }: Transaction, row: OperatorRow, at: Date): Promise<void> => {
    await execute(
      'UPDATE headgate.operators SET name = $2, role = $3, state = $4, changed_at = $5 WHERE operator_id = $1',
      [row.operator_id, row.name, row.role, row.state, at],
    )
  },

  /** Read to be changed or given a session: it stays as it is until the transaction ends. */
  lockOperator: async ({ query }: Transaction, id: string): Promise<OperatorRow | undefined> =>
    (await query<OperatorRow>(`SELECT ${OPERATOR} FROM headgate.operators WHERE operator_id = $1 FOR UPDATE`, [id]))
      .rows[0],

  operators: async ({ query }: Read, { after, limit }: PageOf): Promise<OperatorRow[]> =>
    (
      await query<OperatorRow>(
        `SELECT ${OPERATOR} FROM headgate.operators WHERE ($1::text IS NULL OR operator_id < $1)
         ORDER BY operator_id DESC LIMIT $2`,
        [after, limit],
      )
    ).rows,

  insertSession: async ({ execute }: Transaction, row: SessionRow, hash: Buffer): Promise<void> => {
    await execute(
      `INSERT INTO headgate.operator_sessions (session_id, operator_id, hash, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5)`,
      [row.session_id, row.operator_id, hash, row.created_at, row.expires_at],
    )
  },

  sessions: async ({ query }: Read, { after, limit }: PageOf): Promise<SessionRow[]> =>
    (
      await query<SessionRow>(
        `SELECT ${SESSION} FROM headgate.operator_sessions WHERE ($1::text IS NULL OR session_id < $1)
         ORDER BY session_id DESC LIMIT $2`,
        [after, limit],
      )
    ).rows,

  /** Ends a session that has not been ended. */
  revokeSession: async ({ query }: Transaction, id: string, at: Date): Promise<SessionRow | undefined> =>
    (
      await query<SessionRow>(
        `UPDATE headgate.operator_sessions SET revoked_at = coalesce(revoked_at, $2) WHERE session_id = $1
         RETURNING ${SESSION}`,
        [id, at],
      )
    ).rows[0],

  /** Ends all sessions of an operator. */
  revokeSessions: async ({ execute }: Transaction, operator: string, at: Date): Promise<void> => {
    await execute(
      'UPDATE headgate.operator_sessions SET revoked_at = $2 WHERE operator_id = $1 AND revoked_at IS NULL',
      [operator, at],
    )
  },

  holder: async ({ query }: Read, hash: Buffer): Promise<SessionHolder | undefined> =>
    (
      await query<SessionHolder>(
        `SELECT operator_id, role, state, expires_at, revoked_at
         FROM headgate.operator_sessions JOIN headgate.operators USING (operator_id) WHERE hash = $1`,
        [hash],
      )
    ).rows[0],
}
