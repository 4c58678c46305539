import type { SearchQuery } from '@headgate/contract/conversation-search.ts'
import type { Database } from '../../kernel/db.ts'
import { MESSAGE_COLUMNS, type MessageRow, openMessage } from './conversation-messages.store.ts'
import type { Digests } from './conversation-owner.ts'
import { openSession } from './conversation-sessions.store.ts'
import type { ConversationOwner, SealPort, StoredMessage } from './conversations.ports.ts'

/** A message that was found, and what its session is called. */
export interface Found {
  readonly message: StoredMessage
  readonly title: string | null
}

interface SearchStoreOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly digests: Digests
}

type FoundRow = MessageRow & { readonly title_sealed: Buffer }

/** Finds messages by their words. */
export const createSearchStore = ({ database, seal, digests }: SearchStoreOptions) => ({
  /** Messages of an owner that have what is looked for, the one that was added last first. */
  find: (owner: ConversationOwner, wish: Omit<SearchQuery, 'limit'>, limit: number): Promise<readonly Found[]> =>
    database.read({ project: owner.project }, async (read) => {
      // The row policy of conversation_texts shows what matches this, and nothing else.
      const { rows: said } = await read.query<{ words: number }>(
        `SELECT set_config('headgate.search', ($1::tsquery && websearch_to_tsquery('simple', $2))::text, true),
           numnode(websearch_to_tsquery('simple', $2)) AS words, set_config('enable_seqscan', 'off', true)`,
        [`'${digests.ownerWord(owner)}'`, wish.q.replaceAll('\0', ' ')],
      )
      if (said[0]?.words === 0) return []
      const values: unknown[] = [owner.project, owner.subject, limit]
      const conditionsOf = (wishes: readonly (readonly [condition: string, value: unknown])[]): readonly string[] =>
        wishes.flatMap(([condition, value]) => {
          if (value === undefined) return []
          values.push(value)
          return [`AND ${condition.replace('?', `$${values.length}`)}`]
        })
      const ofHits = conditionsOf([
        ['message_id < ?', wish.cursor],
        ['session_id = ?', wish.session_id],
      ])
      const ofMessages = conditionsOf([
        ['m.role = ?', wish.role],
        ['m.created_at >= to_timestamp(?::bigint)', wish.from],
        ['m.created_at < to_timestamp(?::bigint)', wish.to],
        ['s.folder = ?', wish.folder && digests.folder(owner, wish.folder)],
        ['s.archived = ?', wish.archived],
        ['s.pinned = ?', wish.pinned],
      ])
      // Words first, always: what the planner guesses of a policy would have it read all messages of the owner.
      const { rows } = await read.query<FoundRow>(
        `WITH hits AS MATERIALIZED (
           SELECT session_id, message_id FROM headgate.conversation_texts WHERE project_id = $1 ${ofHits.join(' ')}
            ORDER BY message_id DESC ${ofMessages.length === 0 ? 'LIMIT $3' : ''})
         SELECT ${MESSAGE_COLUMNS}, s.sealed AS title_sealed FROM hits
           JOIN headgate.conversation_messages m
             ON m.project_id = $1 AND m.session_id = hits.session_id AND m.message_id = hits.message_id
           JOIN headgate.conversation_sessions s ON s.project_id = $1 AND s.session_id = hits.session_id
          WHERE m.subject = $2 AND s.subject = $2 ${ofMessages.join(' ')}
          ORDER BY hits.message_id DESC LIMIT $3`,
        values,
      )
      const found: Found[] = []
      for (const row of rows) {
        const { title } = await openSession(seal, read, owner, {
          ...{ session_id: row.session_id, sealed: row.title_sealed, change: 0n, pinned: false, archived: false },
          ...{ active_leaf: null, messages: 0, bytes: 0n, created_at: row.created_at, updated_at: row.created_at },
        })
        found.push({ message: await openMessage(seal, read, owner, row), title })
      }
      return found
    }),
})
export type SearchStore = ReturnType<typeof createSearchStore>
