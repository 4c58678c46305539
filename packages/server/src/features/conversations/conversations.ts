import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { forgetTombstones } from './conversation-changes.store.ts'
import { messageRoutes } from './conversation-messages.routes.ts'
import { createMessageStore } from './conversation-messages.store.ts'
import { createDigests } from './conversation-owner.ts'
import { sessionRoutes } from './conversation-sessions.routes.ts'
import { createSessionStore } from './conversation-sessions.store.ts'
import { createTextStore } from './conversation-texts.store.ts'
import { otherTokens, wordsOf } from './conversation-words.ts'
import type { ConversationBounds, SealPort, WireMessage } from './conversations.ports.ts'

export interface ConversationsOptions {
  readonly database: Database
  readonly seal: SealPort
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly countText: (text: string) => Promise<number>
  readonly bounds: () => ConversationBounds
  /** Largest message, as it was when the house started. */
  readonly maxMessageBytes: number
  /** How long is told what was deleted, in days. */
  readonly tombstoneDays: () => number
}

/** Conversations that are kept: `/v1/sessions`. */
export type Conversations = Feature

const HOUR_MS = 3_600_000

/** Builds the memory of conversations. */
export const createConversations = (options: ConversationsOptions): Conversations => {
  const { database, seal, clock, log, countText, bounds } = options
  const digests = createDigests(options.pepper)
  const texts = createTextStore(digests)
  const sessions = createSessionStore({ database, seal, digests, bounds })
  const messages = createMessageStore({ database, seal, sessions, texts, bounds })
  const newId = (prefix: 'ses' | 'msg'): string => prefixedId(prefix, clock.now())
  const tokensOf = async (message: WireMessage): Promise<number> =>
    (await countText(wordsOf(message))) + otherTokens(message)
  const timers: Timer[] = []

  const forget = async (): Promise<void> => {
    while (
      await database.transaction('system', (transaction) => forgetTombstones(transaction, options.tombstoneDays()))
    );
  }
  const quietly = (work: Promise<unknown>, message: string): void => {
    work.catch((error: Error) => log.warn({ component: 'conversations', error }, message))
  }

  return {
    name: 'conversations',
    routes: [
      ...sessionRoutes({ sessions, newId }),
      ...messageRoutes({ sessions, messages, tokensOf, newId, maxBytes: options.maxMessageBytes }),
    ],
    start: () => {
      timers.push(clock.every(HOUR_MS, () => quietly(forget(), 'What was deleted long ago could not be forgotten')))
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
    },
  }
}
