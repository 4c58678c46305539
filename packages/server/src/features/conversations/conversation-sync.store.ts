import type { Database, Read } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { MESSAGE_COLUMNS, type MessageRow, openMessage } from './conversation-messages.store.ts'
import { openSession, type SessionRow } from './conversation-sessions.store.ts'
import type { ConversationOwner, SealPort, StoredMessage, StoredSession } from './conversations.ports.ts'

/** How far a copy has come. */
export interface SyncPoint {
  /** The last change that it has. */
  readonly change: number
  /** Up to this change it needs to be told of nothing that was deleted; beyond `change` while a first copy is made. */
  readonly deleted: number
}

/** One thing that has changed. */
export type Change =
  | { readonly kind: 'session'; readonly session: StoredSession }
  | { readonly kind: 'message'; readonly message: StoredMessage }
  | { readonly kind: 'deleted'; readonly sessionId: string; readonly messageId: string | null }

/** What has changed since. */
export interface Changes {
  readonly changes: readonly Change[]
  readonly hasMore: boolean
  readonly next: SyncPoint
}

/** Bytes of one answer, but for its last item. */
const MOST_BYTES = 4_194_304

interface ChangeRow
  extends Omit<SessionRow, 'change' | 'session_id'>,
    Omit<MessageRow, 'change' | 'session_id' | 'message_id'> {
  readonly last_change: bigint
  readonly forgotten_change: bigint
  readonly candidates: bigint | null
  readonly kind: Change['kind'] | null
  readonly change: bigint
  readonly session_id: string
  readonly message_id: string | null
}

/** One statement, so that all of it is seen at one moment: numbers are given in the order of commits. */
const statement = `
  SELECT o.last_change, o.forgotten_change, c.* FROM headgate.conversation_owners o LEFT JOIN LATERAL (
    SELECT *, count(*) OVER () AS candidates, sum(size) OVER (ORDER BY change) - size AS before FROM (
      (SELECT 'session' AS kind, change, session_id, NULL AS message_id, NULL AS parent_id, NULL AS status, 0 AS tokens,
          pinned, archived, active_leaf, messages, bytes, sealed, created_at, updated_at, octet_length(sealed) AS size
         FROM headgate.conversation_sessions
        WHERE project_id = $1 AND subject = $2 AND change > $3 ORDER BY change LIMIT $4 + 1)
      UNION ALL
      (SELECT 'message', change, session_id, message_id, parent_id, status, tokens,
          false, false, NULL, 0, 0, sealed, created_at, created_at, octet_length(sealed)
         FROM (SELECT ${MESSAGE_COLUMNS} FROM headgate.conversation_messages m
                WHERE m.project_id = $1 AND m.subject = $2 AND m.change > $3 ORDER BY m.change LIMIT $4 + 1) m)
      UNION ALL
      (SELECT 'deleted', change, session_id, message_id, NULL, NULL, 0, false, false, NULL, 0, 0, NULL, deleted_at, deleted_at, 0
         FROM headgate.conversation_tombstones
        WHERE project_id = $1 AND subject = $2 AND change > $3 AND $3 > 0 ORDER BY change LIMIT $4 + 1)
    ) AS changed ORDER BY change LIMIT $4 + 1
  ) AS c ON true WHERE o.project_id = $1 AND o.subject = $2 ORDER BY c.change`

/** What has changed, for copies elsewhere. */
export const createSyncStore = (database: Database, seal: SealPort) => {
  const open = async (read: Read, owner: ConversationOwner, row: ChangeRow): Promise<Change> => {
    if (row.kind === 'session') return { kind: 'session', session: await openSession(seal, read, owner, row) }
    if (row.kind === 'deleted') return { kind: 'deleted', sessionId: row.session_id, messageId: row.message_id }
    const message = await openMessage(seal, read, owner, { ...row, message_id: row.message_id as string })
    return { kind: 'message', message }
  }

  return {
    /**
     * What has changed since, in the order in which it did, `limit` at most.
     * @param since null: from the beginning.
     * @throws AppError `sync_expired` where it can no longer be said what was deleted since.
     */
    since: (owner: ConversationOwner, since: SyncPoint | null, limit: number): Promise<Changes> =>
      database.read({ project: owner.project }, async (read) => {
        const from = since?.change ?? 0
        const { rows } = await read.query<ChangeRow & { readonly before: bigint }>(statement, [
          ...[owner.project, owner.subject, from, limit],
        ])
        const [first] = rows
        if (first === undefined) {
          if (from > 0) throw new AppError('sync_expired')
          return { changes: [], hasMore: false, next: { change: 0, deleted: 0 } }
        }
        const last = Number(first.last_change)
        // A copy that is ahead was made of a database that is no longer this one.
        if (from > last || (since !== null && since.deleted < Number(first.forgotten_change)))
          throw new AppError('sync_expired')
        const shown = rows.filter(({ kind, before }) => kind !== null && Number(before) < MOST_BYTES).slice(0, limit)
        const changes: Change[] = []
        for (const row of shown) changes.push(await open(read, owner, row))
        const hasMore = shown.length < Number(first.candidates ?? 0)
        const change = hasMore ? Number((shown.at(-1) as ChangeRow).change) : last
        const deleted = Math.max(change, since?.deleted ?? last)
        return { changes, hasMore, next: { change, deleted } }
      }),
  }
}
export type SyncStore = ReturnType<typeof createSyncStore>
