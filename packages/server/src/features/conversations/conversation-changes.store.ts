import type { Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { ConversationBounds, ConversationOwner } from './conversations.ports.ts'

/** What a change does to an owner's account. */
export interface Growth {
  /** Rows that change, each of which gets a number of its own. */
  readonly changes: number
  readonly sessions?: number
  readonly bytes?: number
}

/** What was deleted; without a message, the session with all of its messages. */
export interface Tombstone {
  readonly sessionId: string
  readonly messageId: string | null
}

const FORGOTTEN_AT_ONCE = 1_000

/**
 * Takes the numbers of a change, and holds the owner until the transaction ends: what has a lower number can then be seen by
 * whoever sees a higher one. Resolves to the first number.
 * @throws AppError `session_quota_exceeded` where something grows beyond a bound.
 */
export const takeChanges = async (
  { query }: Transaction,
  { project, subject }: ConversationOwner,
  { changes, sessions = 0, bytes = 0 }: Growth,
  bounds: Pick<ConversationBounds, 'sessions' | 'bytes'>,
): Promise<number> => {
  const { rows } = await query<{ last_change: bigint; sessions: bigint; bytes: bigint }>(
    `INSERT INTO headgate.conversation_owners AS known (project_id, subject, last_change, sessions, bytes)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (project_id, subject) DO UPDATE SET last_change = known.last_change + $3,
       sessions = known.sessions + $4, bytes = known.bytes + $5
     RETURNING last_change, sessions, bytes`,
    [project, subject, changes, sessions, bytes],
  )
  const row = rows[0] as { last_change: bigint; sessions: bigint; bytes: bigint }
  const refuse = (option: string, limit: number): AppError =>
    new AppError('session_quota_exceeded', { params: { option, limit } })
  if (sessions > 0 && row.sessions > bounds.sessions) throw refuse('sessions.max_sessions', bounds.sessions)
  if (bytes > 0 && row.bytes > bounds.bytes) throw refuse('sessions.owner_bytes', bounds.bytes)
  return Number(row.last_change) - changes + 1
}

/** Writes down what was deleted, from the number `first` on. */
export const bury = async (
  { execute }: Transaction,
  { project, subject }: ConversationOwner,
  first: number,
  gone: readonly Tombstone[],
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.conversation_tombstones (project_id, subject, change, session_id, message_id)
     SELECT $1, $2, $3 + place - 1, session_id, message_id
       FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS gone (session_id, message_id, place)`,
    [project, subject, first, gone.map(({ sessionId }) => sessionId), gone.map(({ messageId }) => messageId)],
  )
}

/** Forgets some tombstones that are older than so many days; tells whether there may be more. */
export const forgetTombstones = async ({ execute }: Transaction, days: number): Promise<boolean> => {
  const gone = await execute(
    `WITH gone AS (
       DELETE FROM headgate.conversation_tombstones WHERE (project_id, subject, change) IN (
         SELECT project_id, subject, change FROM headgate.conversation_tombstones
          WHERE deleted_at < now() - make_interval(days => $1)
            AND NOT headgate.is_held(project_id, subject) ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING project_id, subject, change),
     latest AS (SELECT project_id, subject, max(change) AS change FROM gone GROUP BY 1, 2),
     told AS (
       UPDATE headgate.conversation_owners AS known
          SET forgotten_change = greatest(known.forgotten_change, latest.change)
         FROM latest WHERE known.project_id = latest.project_id AND known.subject = latest.subject)
     SELECT * FROM gone`,
    [days, FORGOTTEN_AT_ONCE],
  )
  return gone === FORGOTTEN_AT_ONCE
}
