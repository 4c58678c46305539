import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { bury, takeChanges } from './conversation-changes.store.ts'
import type { Digests } from './conversation-owner.ts'
import type {
  ConversationBounds,
  ConversationOwner,
  SealPort,
  SessionContent,
  StoredSession,
} from './conversations.ports.ts'

/** What else of a session its owner sets. */
export interface SessionMarks {
  readonly pinned: boolean
  readonly archived: boolean
}

/** Which sessions are listed, by their last change, the latest first. */
export interface SessionPage {
  readonly before: number | null
  readonly limit: number
  readonly archived: boolean
  readonly pinned: boolean | null
  readonly folder: string | null
  /** Words that the title has, all of them. */
  readonly title: string | null
}

/** A row of headgate.conversation_sessions. */
export interface SessionRow {
  readonly session_id: string
  readonly change: bigint
  readonly pinned: boolean
  readonly archived: boolean
  readonly active_leaf: string | null
  readonly messages: number
  readonly bytes: bigint
  readonly sealed: Buffer
  readonly created_at: Date
  readonly updated_at: Date
}

/** Its columns. */
export const SESSION_COLUMNS =
  'session_id, change, pinned, archived, active_leaf, messages, bytes, sealed, created_at, updated_at'

export interface SessionStoreOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly digests: Digests
  readonly bounds: () => ConversationBounds
}

const placeOf = ({ project, subject }: ConversationOwner, row: string) => ({
  ...{ project, subject, purpose: 'conversations', table: 'conversation_sessions', row },
  column: 'sealed',
})

/** Opens a row. */
export const openSession = async (
  { open }: SealPort,
  read: Read,
  owner: ConversationOwner,
  row: SessionRow,
): Promise<StoredSession> => ({
  ...(JSON.parse(await open(read, placeOf(owner, row.session_id), row.sealed)) as SessionContent),
  id: row.session_id,
  change: Number(row.change),
  pinned: row.pinned,
  archived: row.archived,
  activeLeaf: row.active_leaf,
  messages: row.messages,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/**
 * Takes a session to be changed: nobody else changes it before the transaction ends.
 * @throws AppError `session_not_found`, or `session_changed` where it is in another state than the one asked for.
 */
export const holdSession = async (
  { query }: Transaction,
  { project, subject }: ConversationOwner,
  id: string,
  state: number | null = null,
): Promise<SessionRow> => {
  const { rows } = await query<SessionRow>(
    `SELECT ${SESSION_COLUMNS} FROM headgate.conversation_sessions
      WHERE project_id = $1 AND session_id = $2 AND subject = $3 FOR UPDATE`,
    [project, id, subject],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('session_not_found')
  if (state !== null && Number(row.change) !== state)
    throw new AppError('session_changed', { params: { etag: `"c${row.change}"` } })
  return row
}

/** The sessions of their owners. */
export const createSessionStore = ({ database, seal, digests, bounds }: SessionStoreOptions) => {
  const textOf = ({ title, folder, agent, settings, metadata }: SessionContent): string =>
    JSON.stringify({ title, folder, agent, settings, metadata })

  /** Makes one in a transaction of its project. */
  const add = async (
    transaction: Transaction,
    owner: ConversationOwner,
    id: string,
    content: SessionContent & SessionMarks,
  ): Promise<StoredSession> => {
    const text = textOf(content)
    const growth = { changes: 1, sessions: 1, bytes: Buffer.byteLength(text) }
    const change = await takeChanges(transaction, owner, growth, bounds())
    const sealed = await seal.seal(transaction, placeOf(owner, id), text)
    const { rows } = await transaction.query<SessionRow>(
      `INSERT INTO headgate.conversation_sessions
         (project_id, session_id, subject, change, pinned, archived, folder, bytes, sealed, title_words, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), now()) RETURNING ${SESSION_COLUMNS}`,
      [
        ...[owner.project, id, owner.subject, change, content.pinned, content.archived],
        ...[digests.folder(owner, content.folder), growth.bytes, sealed, digests.title(owner, content.title)],
      ],
    )
    return openSession(seal, transaction, owner, rows[0] as SessionRow)
  }

  /** Writes what a session is now, in the transaction that holds it. */
  const write = async (
    transaction: Transaction,
    owner: ConversationOwner,
    before: SessionRow,
    next: SessionContent & SessionMarks & { readonly activeLeaf: string | null },
    change: number,
    growth: { readonly messages: number; readonly bytes: number },
  ): Promise<StoredSession> => {
    const sealed = await seal.seal(transaction, placeOf(owner, before.session_id), textOf(next))
    const { rows } = await transaction.query<SessionRow>(
      `UPDATE headgate.conversation_sessions SET change = $3, pinned = $4, archived = $5, folder = $6, active_leaf = $7,
         sealed = $8, messages = messages + $9, bytes = bytes + $10, title_words = $11, updated_at = now()
        WHERE project_id = $1 AND session_id = $2 RETURNING ${SESSION_COLUMNS}`,
      [
        ...[owner.project, before.session_id, change, next.pinned, next.archived],
        ...[digests.folder(owner, next.folder), next.activeLeaf, sealed, growth.messages, growth.bytes],
        digests.title(owner, next.title),
      ],
    )
    return openSession(seal, transaction, owner, rows[0] as SessionRow)
  }

  return {
    add,
    write,

    create: (owner: ConversationOwner, id: string, content: SessionContent & SessionMarks): Promise<StoredSession> =>
      database.transaction({ project: owner.project }, (transaction) => add(transaction, owner, id, content)),

    /** @throws AppError `session_not_found` */
    get: (owner: ConversationOwner, id: string): Promise<StoredSession> =>
      database.read({ project: owner.project }, async (read) => {
        const { rows } = await read.query<SessionRow>(
          `SELECT ${SESSION_COLUMNS} FROM headgate.conversation_sessions
            WHERE project_id = $1 AND session_id = $2 AND subject = $3`,
          [owner.project, id, owner.subject],
        )
        if (rows[0] === undefined) throw new AppError('session_not_found')
        return openSession(seal, read, owner, rows[0])
      }),

    list: (owner: ConversationOwner, page: SessionPage): Promise<readonly StoredSession[]> =>
      database.read({ project: owner.project }, async (read) => {
        const values: unknown[] = [owner.project, owner.subject, page.archived, page.before, page.limit]
        // Each is a condition of its own, so that its index is found.
        const pinned = page.pinned === null ? '' : page.pinned ? 'AND pinned' : 'AND NOT pinned'
        const also = (condition: string, value: unknown): string => condition.replace('?', `$${values.push(value)}`)
        const folder = page.folder === null ? '' : also('AND folder = ?', digests.folder(owner, page.folder))
        const title = page.title === null ? '' : also('AND title_words @> ?::bytea[]', digests.title(owner, page.title))
        const { rows } = await read.query<SessionRow>(
          `SELECT ${SESSION_COLUMNS} FROM headgate.conversation_sessions
            WHERE project_id = $1 AND subject = $2 AND archived = $3 AND ($4::bigint IS NULL OR change < $4) ${pinned} ${folder} ${title}
            ORDER BY change DESC LIMIT $5`,
          values,
        )
        const found: StoredSession[] = []
        for (const row of rows) found.push(await openSession(seal, read, owner, row))
        return found
      }),

    /**
     * Changes one, from the state that is asked for.
     * @throws AppError `session_not_found`, `session_changed`, `message_not_found` for a leaf that is none of its messages.
     */
    update: (
      owner: ConversationOwner,
      id: string,
      state: number | null,
      change: Partial<SessionContent & SessionMarks & { readonly activeLeaf: string | null }>,
    ): Promise<StoredSession> =>
      database.transaction({ project: owner.project }, async (transaction) => {
        const row = await holdSession(transaction, owner, id, state)
        if (typeof change.activeLeaf === 'string') {
          const { rows } = await transaction.query(
            'SELECT FROM headgate.conversation_messages WHERE project_id = $1 AND session_id = $2 AND message_id = $3',
            [owner.project, id, change.activeLeaf],
          )
          if (rows.length === 0) throw new AppError('message_not_found')
        }
        const before = await openSession(seal, transaction, owner, row)
        const next = { ...before, ...change }
        const bytes = Buffer.byteLength(textOf(next)) - Buffer.byteLength(textOf(before))
        const number = await takeChanges(transaction, owner, { changes: 1, bytes }, bounds())
        return write(transaction, owner, row, next, number, { messages: 0, bytes })
      }),

    /** Deletes one with all of its messages. @throws AppError `session_not_found`, `session_changed` */
    remove: (owner: ConversationOwner, id: string, state: number | null): Promise<void> =>
      database.transaction({ project: owner.project }, async (transaction) => {
        const { bytes } = await holdSession(transaction, owner, id, state)
        const growth = { changes: 1, sessions: -1, bytes: -Number(bytes) }
        const change = await takeChanges(transaction, owner, growth, bounds())
        await transaction.execute(
          'DELETE FROM headgate.conversation_sessions WHERE project_id = $1 AND session_id = $2',
          [owner.project, id],
        )
        await bury(transaction, owner, change, [{ sessionId: id, messageId: null }])
      }),
  }
}
export type SessionStore = ReturnType<typeof createSessionStore>
