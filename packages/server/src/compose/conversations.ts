import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import { type Conversations, createConversations } from '../features/conversations/conversations.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'
import type { Generation } from './generation.ts'
import { createLineAnswers } from './line-answers.ts'

interface ConversationRoomOptions {
  /** As it was at the start. */
  readonly config: Config
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly countText: (text: string) => Promise<number>
  readonly current: () => Pick<Generation, 'lineCall' | 'door'>
}

/** Builds the conversations that are kept. */
export const createConversationRoom = (options: ConversationRoomOptions): Conversations => {
  const { settings, database, seal, pepper, clock, log, countText } = options
  const answer = createLineAnswers(options.current, clock)
  const sessions = () => settings().config.sessions
  return createConversations({
    ...{ database, seal, pepper, clock, log, countText },
    maxMessageBytes: options.config.sessions.max_message_bytes,
    maxImportBytes: options.config.sessions.max_import_bytes,
    bounds: () => ({
      sessions: sessions().max_sessions,
      messages: sessions().max_messages,
      messageBytes: sessions().max_message_bytes,
      bytes: sessions().owner_bytes,
    }),
    context: () => ({ tokens: sessions().context_tokens, summaryModel: sessions().summary_model ?? null }),
    askModel: async (line) => {
      const { made } = await answer('/v1/chat/completions', { ...line, operation: 'chat' })
      if ('fault' in made) throw made.fault
      return made.body
    },
    tombstoneDays: () => sessions().tombstone_days,
  })
}
