import type { Transaction } from '../../kernel/db.ts'
import type { Digests } from './conversation-owner.ts'
import { wordsOf } from './conversation-words.ts'
import type { ConversationOwner, WireMessage } from './conversations.ports.ts'

/** A tsvector takes a mebibyte; what stands further on in a message is not found. */
const MOST_CHARACTERS = 100_000

/** The beginning of a text: PostgreSQL stores neither NUL nor half a character. */
export const storable = (text: string, most: number): string => text.slice(0, most).replaceAll('\0', ' ').toWellFormed()

/** The words that search finds. They are not sealed: an index reads them. They go with their message. */
export const createTextStore = (digests: Digests) => ({
  /** Takes down the words of a message. */
  add: async (
    { execute }: Transaction,
    owner: ConversationOwner,
    sessionId: string,
    id: string,
    message: WireMessage,
  ): Promise<void> => {
    await execute(
      `INSERT INTO headgate.conversation_texts (project_id, session_id, message_id, search)
       VALUES ($1, $2, $3, array_to_tsvector(ARRAY[$4]) || to_tsvector('simple', $5))`,
      [owner.project, sessionId, id, digests.ownerWord(owner), storable(wordsOf(message), MOST_CHARACTERS)],
    )
  },
})
export type TextStore = ReturnType<typeof createTextStore>
