import {
  type DocumentMessage,
  type ImportSession,
  type SessionDocument,
  SessionDocumentSchema,
} from '@headgate/contract/conversation-transfer.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Database } from '../../kernel/db.ts'
import { takeChanges } from './conversation-changes.store.ts'
import { readHtml } from './conversation-html.ts'
import { readMarkdown } from './conversation-markdown.ts'
import { type MessageStore, messageText } from './conversation-messages.store.ts'
import { holdSession, type SessionStore } from './conversation-sessions.store.ts'
import { titleOf } from './conversation-words.ts'
import type {
  ConversationBounds,
  ConversationOwner,
  NewMessage,
  StoredSession,
  WireMessage,
} from './conversations.ports.ts'

export interface ImportOptions {
  readonly database: Database
  readonly sessions: SessionStore
  readonly messages: MessageStore
  readonly bounds: () => ConversationBounds
  readonly tokensOf: (message: WireMessage) => Promise<number>
  /** Refuses what no session may have. @throws AppError `invalid_parameter` */
  readonly check: (document: Pick<SessionDocument, 'agent'>) => void
  readonly newId: (prefix: 'ses' | 'msg', later?: number) => string
}

const wrong = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })

/** Reads a document of whatever kind. @throws AppError `invalid_parameter` */
const read = async ({ format, document }: ImportSession): Promise<SessionDocument> => {
  if (format === 'json') return document
  let told: unknown
  try {
    told = format === 'html' ? readHtml(document) : readMarkdown(document)
  } catch (cause) {
    const why = cause instanceof SyntaxError && !/JSON/.test(cause.message) ? cause.message : 'It has been damaged.'
    throw wrong('document', 'cannot be read', why)
  }
  // Only where a document was taken apart here; JSON was checked at the door.
  const { Value } = await import('typebox/value')
  if (Value.Check(SessionDocumentSchema, told)) return told as SessionDocument
  const [first] = Value.Errors(SessionDocumentSchema, told)
  const place = first === undefined ? '' : `${first.instancePath} ${first.message}`.trim()
  throw wrong('document', `is none of a session: ${place}`, 'Bring in what was exported, unchanged.')
}

/** Parents before those that follow them. @throws AppError `invalid_parameter` where that cannot be */
const inOrder = (messages: readonly DocumentMessage[]): readonly DocumentMessage[] => {
  const ids = new Set(messages.map(({ id }) => id))
  if (ids.size < messages.length) throw wrong('document.messages', 'has an id twice', 'Give each message its own.')
  const children = new Map<string | null, DocumentMessage[]>()
  for (const message of messages) {
    const { parent_id: parent } = message
    if (parent !== null && !ids.has(parent))
      throw wrong(
        'document.messages',
        `follows a message that is not there: ${parent}`,
        'Bring that one in too, or write null.',
      )
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [message])
    else siblings.push(message)
  }
  const ordered: DocumentMessage[] = []
  let level = children.get(null) ?? []
  while (level.length > 0) {
    for (const message of level) ordered.push(message)
    level = level.flatMap(({ id }) => children.get(id) ?? [])
  }
  if (ordered.length < messages.length)
    throw wrong('document.messages', 'has messages that follow themselves', 'Let one of them begin with null.')
  return ordered
}

/** Brings documents in. */
export const createImports =
  ({ database, sessions, messages, bounds, tokensOf, newId, check }: ImportOptions) =>
  /**
   * Makes a session of a document, all of it or nothing.
   * @throws AppError `invalid_parameter`, `session_quota_exceeded`, `request_too_large`
   */
  async (owner: ConversationOwner, asked: ImportSession): Promise<StoredSession> => {
    const document = await read(asked)
    check(document)
    const { messages: most, messageBytes } = bounds()
    if (document.messages.length > most)
      throw new AppError('session_quota_exceeded', { params: { option: 'sessions.max_messages', limit: most } })
    const ordered = inOrder(document.messages)
    // In the past, so that what is said next sorts behind them.
    const names = new Map(ordered.map(({ id }, index) => [id, newId('msg', index - ordered.length)]))
    const leaf = document.active_leaf ?? null
    if (leaf !== null && !names.has(leaf))
      throw wrong('document.active_leaf', 'is none of the messages', 'Name one of them, or write null.')
    const entries = await Promise.all(
      ordered.map(
        async ({ id, message, ...told }): Promise<NewMessage & { readonly parent: string | null }> => ({
          ...{ id: names.get(id) as string, message, requestId: null, model: told.model ?? null },
          parent: told.parent_id === null ? null : (names.get(told.parent_id) as string),
          finishReason: told.finish_reason ?? null,
          status: told.status === 'in_progress' ? 'incomplete' : (told.status ?? 'complete'),
          tokens: await tokensOf(message),
          ...(told.created_at !== undefined && { createdAt: new Date(told.created_at * 1_000) }),
        }),
      ),
    )
    const sizes = entries.map((entry) => Buffer.byteLength(messageText(entry)))
    if (sizes.some((size) => size > messageBytes))
      throw new AppError('request_too_large', { params: { limit_bytes: messageBytes } })
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    const id = newId('ses')
    return database.transaction({ project: owner.project }, async (transaction) => {
      const made = await sessions.add(transaction, owner, id, {
        title: document.title ?? titleOf(ordered.map(({ message }) => message)),
        folder: document.folder ?? null,
        agent: document.agent ?? null,
        settings: document.settings ?? null,
        metadata: document.metadata ?? null,
        pinned: document.pinned ?? false,
        archived: document.archived ?? false,
      })
      const row = await holdSession(transaction, owner, id)
      const first = await takeChanges(transaction, owner, { changes: entries.length + 1, bytes }, bounds())
      for (const [index, entry] of entries.entries())
        await messages.insert(transaction, owner, id, entry.parent, entry, first + index)
      const next = { ...made, activeLeaf: leaf === null ? null : (names.get(leaf) as string) }
      const growth = { messages: entries.length, bytes }
      return sessions.write(transaction, owner, row, next, first + entries.length, growth)
    })
  }
