import type { EndAged } from '../../kernel/aged.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { forgetTombstones } from './conversation-changes.store.ts'
import { createAnswerStore } from './conversation-answers.store.ts'
import { createBranchStore } from './conversation-branches.store.ts'
import { createContexts } from './conversation-context.ts'
import { folderRoutes } from './conversation-folders.routes.ts'
import { createFolderStore } from './conversation-folders.store.ts'
import { createImports } from './conversation-imports.ts'
import { messageRoutes } from './conversation-messages.routes.ts'
import { createMessageStore } from './conversation-messages.store.ts'
import { createDigests } from './conversation-owner.ts'
import { createRetention } from './conversation-retention.store.ts'
import { searchRoutes } from './conversation-search.routes.ts'
import { createSearchStore } from './conversation-search.store.ts'
import { checkAgent, sessionRoutes } from './conversation-sessions.routes.ts'
import { createSessionStore } from './conversation-sessions.store.ts'
import { createSyncStore } from './conversation-sync.store.ts'
import { createTextStore } from './conversation-texts.store.ts'
import { transferRoutes } from './conversation-transfer.routes.ts'
import { createTurns, type TurnOptions } from './conversation-turn.ts'
import { otherTokens, plainText, wordsOf } from './conversation-words.ts'
import type { ConversationBounds, ConversationOwner, SealPort, WireMessage } from './conversations.ports.ts'

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
  /** Largest document, likewise. */
  readonly maxImportBytes: number
  /** What a call gets of the conversation before it, unless its session says otherwise. */
  readonly context: TurnOptions['context']
  readonly askModel: TurnOptions['askModel']
  /** How long is told what was deleted, in days. */
  readonly tombstoneDays: () => number
}

/** Conversations that are kept: `/v1/sessions`. */
export interface Conversations extends Feature {
  /** Opens the session that a call names. @throws AppError `session_not_found`, `secret_key_required`, `invalid_parameter` */
  readonly open: ReturnType<typeof createTurns>['open']
  /** Deletes sessions that are kept long enough. */
  readonly endAged: EndAged
  /** What was said in the active branch of a session, the first first, without pictures, sounds and calls of tools. @throws AppError `session_not_found` */
  readonly transcript: (
    owner: ConversationOwner,
    sessionId: string,
  ) => Promise<readonly { readonly role: string; readonly text: string }[]>
}

/** Messages of a transcript, the last ones. */
const MOST_READ = 500
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** Builds the memory of conversations. */
export const createConversations = (options: ConversationsOptions): Conversations => {
  const { database, seal, clock, log, countText, bounds } = options
  const digests = createDigests(options.pepper)
  const texts = createTextStore(digests)
  const sessions = createSessionStore({ database, seal, digests, bounds })
  const messages = createMessageStore({ database, seal, sessions, texts, bounds })
  /** Of several at once each is a millisecond later, so that they sort as they came. */
  const newId = (prefix: 'ses' | 'msg', later = 0): string => prefixedId(prefix, clock.now() + later)
  const tokensOf = async (message: WireMessage): Promise<number> =>
    (await countText(wordsOf(message))) + otherTokens(message)
  const turns = createTurns({
    ...{ sessions, messages, clock, log, newId, tokensOf, bounds },
    answers: createAnswerStore({ database, seal, sessions, texts, bounds }),
    contexts: createContexts(createBranchStore(database, seal), countText, log),
    context: options.context,
    askModel: options.askModel,
  })
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
      ...folderRoutes(createFolderStore({ database, seal, digests, bounds, sessions })),
      ...searchRoutes({
        search: createSearchStore({ database, seal, digests }),
        sync: createSyncStore(database, seal),
      }),
      ...transferRoutes({
        ...{ sessions, messages, maxBytes: options.maxImportBytes },
        bringIn: createImports({ database, sessions, messages, bounds, tokensOf, newId, check: checkAgent }),
      }),
      ...messageRoutes({ sessions, messages, tokensOf, newId, maxBytes: options.maxMessageBytes }),
    ],
    open: turns.open,
    endAged: createRetention(database, sessions),
    transcript: async (owner, sessionId) => {
      const { activeLeaf } = await sessions.get(owner, sessionId)
      const said = activeLeaf === null ? [] : await messages.branch(owner, sessionId, activeLeaf, MOST_READ)
      return said.toReversed().map(({ message }) => ({ role: message.role, text: plainText(message) }))
    },
    start: () => {
      timers.push(
        clock.every(MINUTE_MS, () => quietly(turns.settleLost(), 'Answers of a lost process could not be ended')),
        clock.every(HOUR_MS, () => quietly(forget(), 'What was deleted long ago could not be forgotten')),
      )
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      await turns.stop()
    },
  }
}
