import type { Agent, MessageStatus, SessionSettings } from '@headgate/contract/conversations.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** Whose sessions they are: a person of a project, or the project itself where no person is named. */
export interface ConversationOwner {
  readonly project: string
  /** '' for none. */
  readonly subject: string
}

/** Who asks. */
export type Asker = Pick<Exchange, 'caller' | 'user'>

/** How much one owner may keep. */
export interface ConversationBounds {
  readonly sessions: number
  /** Of one session. */
  readonly messages: number
  readonly messageBytes: number
  /** Of all sessions together. */
  readonly bytes: number
}

/** What of a session is sealed. */
export interface SessionContent {
  readonly title: string | null
  readonly folder: string | null
  readonly agent: Agent | null
  readonly settings: SessionSettings | null
  readonly metadata: Readonly<Record<string, string>> | null
}

/** A session as it is kept. */
export interface StoredSession extends SessionContent {
  readonly id: string
  readonly change: number
  readonly pinned: boolean
  readonly archived: boolean
  readonly activeLeaf: string | null
  readonly messages: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A message in the words of OpenAI's chat protocol. */
export type WireMessage = Readonly<Record<string, unknown>> & { readonly role: string }

/** What of a message is sealed. */
export interface MessageContent {
  readonly message: WireMessage
  readonly model: string | null
  readonly requestId: string | null
  readonly finishReason: string | null
}

/** A message that is to be kept. */
export interface NewMessage extends MessageContent {
  readonly id: string
  readonly status: MessageStatus
  readonly tokens: number
  /** When it was written; absent: now. */
  readonly createdAt?: Date
}

/** A message as it is kept. */
export interface StoredMessage extends MessageContent {
  readonly id: string
  readonly sessionId: string
  readonly parentId: string | null
  readonly change: number
  readonly status: MessageStatus
  readonly tokens: number
  readonly createdAt: Date
}
