import type { MessageStatus } from '@headgate/contract/conversations.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { MESSAGE_COLUMNS, type MessageRow, MESSAGE_STATUS, openMessage } from './conversation-messages.store.ts'
import type { ConversationOwner, SealPort, StoredMessage } from './conversations.ports.ts'

/** A message of a branch, without what it says. */
export interface BranchPoint {
  readonly id: string
  readonly role: string
  readonly status: MessageStatus
  readonly tokens: number
  /** Of the summary that ends with this message; null where there is none. */
  readonly summaryTokens: number | null
}

const placeOf = ({ project, subject }: ConversationOwner, sessionId: string, id: string) => ({
  ...{ project, subject, purpose: 'conversations', table: 'conversation_summaries', row: `${sessionId}/${id}` },
  column: 'sealed',
})

/** What a call needs of a branch: how much there is, the last of it, and what sums up the rest. */
export const createBranchStore = (database: Database, seal: SealPort) => ({
  /** A message and those before it, the latest first, up to the nearest summary. @throws AppError `message_not_found` */
  outline: (owner: ConversationOwner, sessionId: string, leaf: string, most: number): Promise<readonly BranchPoint[]> =>
    database.read({ project: owner.project }, async ({ query }) => {
      const { rows } = await query<{
        readonly message_id: string
        readonly role: string
        readonly status: MessageStatus
        readonly tokens: number
        readonly summary: number | null
      }>(
        `WITH RECURSIVE branch AS (
           SELECT m.message_id, m.parent_id, 1 AS depth, s.tokens AS summary
             FROM headgate.conversation_messages m LEFT JOIN headgate.conversation_summaries s
               ON s.project_id = $1 AND s.session_id = $2 AND s.message_id = m.message_id
            WHERE m.project_id = $1 AND m.session_id = $2 AND m.message_id = $3 AND m.subject = $5
           UNION ALL
           SELECT m.message_id, m.parent_id, branch.depth + 1, s.tokens FROM branch
             JOIN headgate.conversation_messages m
               ON m.project_id = $1 AND m.session_id = $2 AND m.message_id = branch.parent_id
             LEFT JOIN headgate.conversation_summaries s
               ON s.project_id = $1 AND s.session_id = $2 AND s.message_id = m.message_id
            WHERE branch.depth < $4 AND branch.summary IS NULL
         ) SELECT m.message_id, m.role, ${MESSAGE_STATUS}, m.tokens, branch.summary FROM branch
             JOIN headgate.conversation_messages m
               ON m.project_id = $1 AND m.session_id = $2 AND m.message_id = branch.message_id ORDER BY depth`,
        [owner.project, sessionId, leaf, most, owner.subject],
      )
      if (rows.length === 0) throw new AppError('message_not_found')
      return rows.map((row) => ({
        ...{ id: row.message_id, role: row.role, status: row.status, tokens: row.tokens },
        summaryTokens: row.summary,
      }))
    }),

  /** Messages by their ids, in that order; those that are gone are left out. */
  read: (owner: ConversationOwner, sessionId: string, ids: readonly string[]): Promise<readonly StoredMessage[]> =>
    ids.length === 0
      ? Promise.resolve([])
      : database.read({ project: owner.project }, async (read) => {
          const { rows } = await read.query<MessageRow>(
            `SELECT ${MESSAGE_COLUMNS} FROM headgate.conversation_messages m
              WHERE project_id = $1 AND session_id = $2 AND message_id = ANY($3) AND subject = $4`,
            [owner.project, sessionId, ids, owner.subject],
          )
          const byId = new Map<string, StoredMessage>()
          for (const row of rows) byId.set(row.message_id, await openMessage(seal, read, owner, row))
          return ids.flatMap((id) => byId.get(id) ?? [])
        }),

  /** The summary that ends with a message; null where there is none. */
  summary: (owner: ConversationOwner, sessionId: string, id: string): Promise<string | null> =>
    database.read({ project: owner.project }, async (read) => {
      const { rows } = await read.query<{ sealed: Buffer }>(
        `SELECT sealed FROM headgate.conversation_summaries WHERE project_id = $1 AND session_id = $2 AND message_id = $3`,
        [owner.project, sessionId, id],
      )
      return rows[0] === undefined ? null : seal.open(read, placeOf(owner, sessionId, id), rows[0].sealed)
    }),

  /** Keeps what stands for a branch up to and with a message; the first one stands. */
  summarise: (
    owner: ConversationOwner,
    sessionId: string,
    id: string,
    { text, tokens }: { readonly text: string; readonly tokens: number },
  ): Promise<void> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      const sealed = await seal.seal(transaction, placeOf(owner, sessionId, id), text)
      await transaction.execute(
        `INSERT INTO headgate.conversation_summaries (project_id, session_id, message_id, tokens, sealed)
         SELECT $1, $2, $3, $4, $5 FROM headgate.conversation_messages
          WHERE project_id = $1 AND session_id = $2 AND message_id = $3 AND subject = $6
         ON CONFLICT DO NOTHING`,
        [owner.project, sessionId, id, tokens, sealed, owner.subject],
      )
    }),
})
export type BranchStore = ReturnType<typeof createBranchStore>
