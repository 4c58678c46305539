import type { MessageStatus } from '@headgate/contract/conversations.ts'
import type { Database } from '../../kernel/db.ts'
import { takeChanges } from './conversation-changes.store.ts'
import {
  HELD_SECONDS,
  MESSAGE_COLUMNS,
  messagePlace,
  type MessageRow,
  messageText,
  openMessage,
} from './conversation-messages.store.ts'
import { holdSession, openSession, type SessionStore } from './conversation-sessions.store.ts'
import type { TextStore } from './conversation-texts.store.ts'
import type { ConversationBounds, ConversationOwner, MessageContent, SealPort } from './conversations.ports.ts'

interface AnswerStoreOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly sessions: SessionStore
  readonly texts: TextStore
  readonly bounds: () => ConversationBounds
}

/** A message that is being made. */
export interface OpenAnswer {
  readonly owner: ConversationOwner
  readonly sessionId: string
  readonly id: string
}

const LOST_AT_ONCE = 100

/** Answers while they are made: written down on the way, and once they have ended. */
export const createAnswerStore = ({ database, seal, sessions, texts, bounds }: AnswerStoreOptions) => {
  const isOpen = `project_id = $1 AND session_id = $2 AND message_id = $3 AND status = 'in_progress'`

  /** Ends one, in whatever words; `content` null: as it was last written down. */
  const end = (
    { owner, sessionId, id }: OpenAnswer,
    content: MessageContent | null,
    { status, tokens }: { readonly status: MessageStatus; readonly tokens: number | null },
  ): Promise<void> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      const row = await holdSession(transaction, owner, sessionId)
      const { rows } = await transaction.query<MessageRow & { readonly bytes: number }>(
        `SELECT ${MESSAGE_COLUMNS}, m.bytes FROM headgate.conversation_messages m WHERE ${isOpen}`,
        [owner.project, sessionId, id],
      )
      const before = rows[0]
      if (before === undefined) return
      const kept = content ?? (await openMessage(seal, transaction, owner, before))
      const text = messageText(kept)
      const bytes = Buffer.byteLength(text) - before.bytes
      // What has been paid for is kept, though it be the last that finds room.
      const roomy = { ...bounds(), bytes: Number.MAX_SAFE_INTEGER }
      const first = await takeChanges(transaction, owner, { changes: 2, bytes }, roomy)
      const sealed = await seal.seal(transaction, messagePlace(owner, sessionId, id), text)
      await transaction.execute(
        `UPDATE headgate.conversation_messages SET status = $4, held_until = NULL, sealed = $5, bytes = bytes + $6,
           tokens = coalesce($7, tokens), change = $8 WHERE ${isOpen}`,
        [owner.project, sessionId, id, status, sealed, bytes, tokens, first],
      )
      await texts.add(transaction, owner, sessionId, id, kept.message)
      const session = await openSession(seal, transaction, owner, row)
      await sessions.write(transaction, owner, row, session, first + 1, { messages: 0, bytes })
    })

  return {
    end,

    /** Writes down what there is so far; null: it is as it was, and is still being made. */
    checkpoint: ({ owner, sessionId, id }: OpenAnswer, content: MessageContent | null): Promise<void> =>
      database.transaction({ project: owner.project }, async (transaction) => {
        const place = messagePlace(owner, sessionId, id)
        const sealed = content === null ? null : await seal.seal(transaction, place, messageText(content))
        await transaction.execute(
          `UPDATE headgate.conversation_messages
              SET sealed = coalesce($4, sealed), held_until = now() + make_interval(secs => $5) WHERE ${isOpen}`,
          [owner.project, sessionId, id, sealed, HELD_SECONDS],
        )
      }),

    /** Answers whose process has gone. */
    lost: (): Promise<readonly OpenAnswer[]> =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<{ project_id: string; subject: string; session_id: string; message_id: string }>(
          `SELECT project_id, subject, session_id, message_id FROM headgate.conversation_messages
            WHERE held_until < now() ORDER BY held_until LIMIT $1`,
          [LOST_AT_ONCE],
        )
        return rows.map((row) => ({
          owner: { project: row.project_id, subject: row.subject },
          sessionId: row.session_id,
          id: row.message_id,
        }))
      }),
  }
}
export type AnswerStore = ReturnType<typeof createAnswerStore>
