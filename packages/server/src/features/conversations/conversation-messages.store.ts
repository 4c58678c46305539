import type { MessageStatus } from '@headgate/contract/conversations.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { bury, takeChanges } from './conversation-changes.store.ts'
import { holdSession, openSession, type SessionRow, type SessionStore } from './conversation-sessions.store.ts'
import { storable, type TextStore } from './conversation-texts.store.ts'
import { titleOf } from './conversation-words.ts'
import type {
  ConversationBounds,
  ConversationOwner,
  MessageContent,
  NewMessage,
  SealPort,
  StoredMessage,
  StoredSession,
} from './conversations.ports.ts'

/** A row of headgate.conversation_messages. */
export interface MessageRow {
  readonly session_id: string
  readonly message_id: string
  readonly parent_id: string | null
  readonly change: bigint
  readonly status: MessageStatus
  readonly tokens: number
  readonly sealed: Buffer
  readonly created_at: Date
}

/** An answer whose process has gone says so, before anybody has written it down. */
export const MESSAGE_STATUS = `CASE WHEN m.status = 'in_progress' AND m.held_until < now() THEN 'incomplete' ELSE m.status END AS status`
/** Its columns, of `m`. */
export const MESSAGE_COLUMNS = `m.session_id, m.message_id, m.parent_id, m.change, ${MESSAGE_STATUS}, m.tokens, m.sealed, m.created_at`

/** A message that is being made is believed so long without another sign of its process. */
export const HELD_SECONDS = 15

export interface MessageStoreOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly sessions: SessionStore
  readonly texts: TextStore
  readonly bounds: () => ConversationBounds
}

/** Where messages are to stand: after which, and whether the session goes on from them. */
export interface MessagePlace {
  /** `undefined`: after the active leaf. */
  readonly parent: string | null | undefined
  /** The message whose place it takes, beside it. */
  readonly edits?: string | undefined
  readonly isActive: boolean
}

/** Where a message is sealed. */
export const messagePlace = ({ project, subject }: ConversationOwner, sessionId: string, id: string) => ({
  ...{ project, subject, purpose: 'conversations', table: 'conversation_messages', row: `${sessionId}/${id}` },
  column: 'sealed',
})

/** What is sealed of a message. */
export const messageText = ({ message, model, requestId, finishReason }: MessageContent): string =>
  JSON.stringify({ message, model, requestId, finishReason })

/** Opens a row. */
export const openMessage = async (
  { open }: SealPort,
  read: Read,
  owner: ConversationOwner,
  row: MessageRow,
): Promise<StoredMessage> => ({
  ...(JSON.parse(await open(read, messagePlace(owner, row.session_id, row.message_id), row.sealed)) as MessageContent),
  id: row.message_id,
  sessionId: row.session_id,
  parentId: row.parent_id,
  change: Number(row.change),
  status: row.status,
  tokens: row.tokens,
  createdAt: row.created_at,
})

/** The messages of sessions: a tree, each with the message before it. */
export const createMessageStore = ({ database, seal, sessions, texts, bounds }: MessageStoreOptions) => {
  const find = async (read: Read, owner: ConversationOwner, sessionId: string, id: string): Promise<MessageRow> => {
    const { rows } = await read.query<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM headgate.conversation_messages m
        WHERE project_id = $1 AND session_id = $2 AND message_id = $3 AND subject = $4`,
      [owner.project, sessionId, id, owner.subject],
    )
    if (rows[0] === undefined) throw new AppError('message_not_found')
    return rows[0]
  }

  /** Writes one row, its number and its place being known. */
  const insert = async (
    transaction: Transaction,
    owner: ConversationOwner,
    sessionId: string,
    parent: string | null,
    entry: NewMessage,
    change: number,
  ): Promise<void> => {
    const text = messageText(entry)
    const sealed = await seal.seal(transaction, messagePlace(owner, sessionId, entry.id), text)
    await transaction.execute(
      `INSERT INTO headgate.conversation_messages
         (project_id, session_id, message_id, parent_id, subject, change, role, status, held_until, tokens, bytes, sealed, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8 = 'in_progress' THEN now() + make_interval(secs => $9) END,
         $10, $11, $12, least(coalesce($13, now()), now()))`,
      [
        ...[owner.project, sessionId, entry.id, parent, owner.subject, change, storable(entry.message.role, 32)],
        ...[entry.status, HELD_SECONDS, entry.tokens, Buffer.byteLength(text), sealed, entry.createdAt ?? null],
      ],
    )
    if (entry.status !== 'in_progress') await texts.add(transaction, owner, sessionId, entry.id, entry.message)
  }

  /** The message that new ones follow. @throws AppError `message_not_found` */
  const parentOf = async (
    transaction: Transaction,
    owner: ConversationOwner,
    row: SessionRow,
    { parent, edits }: MessagePlace,
  ): Promise<string | null> => {
    if (edits !== undefined) return (await find(transaction, owner, row.session_id, edits)).parent_id
    if (parent === undefined) return row.active_leaf
    if (parent !== null) await find(transaction, owner, row.session_id, parent)
    return parent
  }

  /**
   * Adds messages to a session, each after the one before it, in a transaction of its project.
   * @throws AppError `session_not_found`, `message_not_found`, `session_quota_exceeded`, `request_too_large`
   */
  const append = async (
    transaction: Transaction,
    owner: ConversationOwner,
    sessionId: string,
    place: MessagePlace,
    entries: readonly NewMessage[],
    state: number | null = null,
  ): Promise<StoredSession> => {
    const { messages: most, messageBytes } = bounds()
    const row = await holdSession(transaction, owner, sessionId, state)
    let parent = await parentOf(transaction, owner, row, place)
    if (row.messages + entries.length > most)
      throw new AppError('session_quota_exceeded', { params: { option: 'sessions.max_messages', limit: most } })
    const sizes = entries.map((entry) => Buffer.byteLength(messageText(entry)))
    if (sizes.some((size) => size > messageBytes))
      throw new AppError('request_too_large', { params: { limit_bytes: messageBytes } })
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    const first = await takeChanges(transaction, owner, { changes: entries.length + 1, bytes }, bounds())
    for (const [index, entry] of entries.entries()) {
      await insert(transaction, owner, sessionId, parent, entry, first + index)
      parent = entry.id
    }
    const before = await openSession(seal, transaction, owner, row)
    const next = {
      ...before,
      title: before.title ?? titleOf(entries.map(({ message }) => message)),
      activeLeaf: place.isActive ? parent : before.activeLeaf,
    }
    return sessions.write(transaction, owner, row, next, first + entries.length, { messages: entries.length, bytes })
  }

  return {
    insert,
    append,

    get: (owner: ConversationOwner, sessionId: string, id: string): Promise<StoredMessage> =>
      database.read({ project: owner.project }, async (read) =>
        openMessage(seal, read, owner, await find(read, owner, sessionId, id)),
      ),

    /** A message and those before it, the latest first. */
    branch: (
      owner: ConversationOwner,
      sessionId: string,
      leaf: string,
      limit: number,
    ): Promise<readonly StoredMessage[]> =>
      database.read({ project: owner.project }, async (read) => {
        const { rows } = await read.query<MessageRow>(
          `WITH RECURSIVE branch AS (
             SELECT message_id, parent_id, 1 AS depth FROM headgate.conversation_messages
              WHERE project_id = $1 AND session_id = $2 AND message_id = $3 AND subject = $5
             UNION ALL
             SELECT earlier.message_id, earlier.parent_id, branch.depth + 1 FROM branch
               JOIN headgate.conversation_messages earlier ON earlier.project_id = $1 AND earlier.session_id = $2
                AND earlier.message_id = branch.parent_id
              WHERE branch.depth < $4
           ) SELECT ${MESSAGE_COLUMNS} FROM branch JOIN headgate.conversation_messages m
               ON m.project_id = $1 AND m.session_id = $2 AND m.message_id = branch.message_id ORDER BY depth`,
          [owner.project, sessionId, leaf, limit, owner.subject],
        )
        if (rows.length === 0) throw new AppError('message_not_found')
        const found: StoredMessage[] = []
        for (const row of rows) found.push(await openMessage(seal, read, owner, row))
        return found
      }),

    /** Messages of all branches, in the order of their ids. */
    list: (
      owner: ConversationOwner,
      sessionId: string,
      after: string | null,
      limit: number,
    ): Promise<readonly StoredMessage[]> =>
      database.read({ project: owner.project }, async (read) => {
        const { rows } = await read.query<MessageRow>(
          `SELECT ${MESSAGE_COLUMNS} FROM headgate.conversation_messages m
            WHERE project_id = $1 AND session_id = $2 AND subject = $3 AND message_id > $4
            ORDER BY message_id LIMIT $5`,
          [owner.project, sessionId, owner.subject, after ?? '', limit],
        )
        const found: StoredMessage[] = []
        for (const row of rows) found.push(await openMessage(seal, read, owner, row))
        return found
      }),

    /** Adds messages in a transaction of their own. */
    add: (
      owner: ConversationOwner,
      sessionId: string,
      place: MessagePlace,
      entries: readonly NewMessage[],
      state: number | null = null,
    ): Promise<StoredSession> =>
      database.transaction({ project: owner.project }, (transaction) =>
        append(transaction, owner, sessionId, place, entries, state),
      ),

    /** Deletes a message with all that followed it; resolves to how many they were. */
    remove: (owner: ConversationOwner, sessionId: string, id: string, state: number | null): Promise<number> =>
      database.transaction({ project: owner.project }, async (transaction) => {
        const row = await holdSession(transaction, owner, sessionId, state)
        const { parent_id: parent } = await find(transaction, owner, sessionId, id)
        const { rows: gone } = await transaction.query<{ message_id: string; bytes: number }>(
          `WITH RECURSIVE gone AS (
             SELECT message_id, bytes FROM headgate.conversation_messages
              WHERE project_id = $1 AND session_id = $2 AND message_id = $3
             UNION ALL
             SELECT later.message_id, later.bytes FROM gone JOIN headgate.conversation_messages later
               ON later.project_id = $1 AND later.session_id = $2 AND later.parent_id = gone.message_id
           ) SELECT * FROM gone`,
          [owner.project, sessionId, id],
        )
        const bytes = -gone.reduce((sum, { bytes: size }) => sum + size, 0)
        const first = await takeChanges(transaction, owner, { changes: gone.length + 1, bytes }, bounds())
        await transaction.execute(
          `DELETE FROM headgate.conversation_messages WHERE project_id = $1 AND session_id = $2 AND message_id = ANY($3)`,
          [owner.project, sessionId, gone.map(({ message_id }) => message_id)],
        )
        await bury(
          transaction,
          owner,
          first,
          gone.map(({ message_id }) => ({ sessionId, messageId: message_id })),
        )
        const before = await openSession(seal, transaction, owner, row)
        const isLeafGone = gone.some(({ message_id }) => message_id === row.active_leaf)
        const next = { ...before, activeLeaf: isLeafGone ? parent : before.activeLeaf }
        const growth = { messages: -gone.length, bytes }
        await sessions.write(transaction, owner, row, next, first + gone.length, growth)
        return gone.length
      }),
  }
}
export type MessageStore = ReturnType<typeof createMessageStore>
