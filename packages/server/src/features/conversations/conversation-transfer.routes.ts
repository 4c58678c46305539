import {
  ExportQuerySchema,
  type ImportSession,
  ImportSessionSchema,
  SessionDocumentSchema,
  type SessionFormat,
} from '@headgate/contract/conversation-transfer.ts'
import { SessionPathSchema, SessionSchema } from '@headgate/contract/conversations.ts'
import { Type } from 'typebox'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { documentHead, documentMessage, type DocumentWriter, jsonWriter } from './conversation-document.ts'
import { htmlWriter, pagePolicy } from './conversation-html.ts'
import type { createImports } from './conversation-imports.ts'
import { markdownWriter } from './conversation-markdown.ts'
import type { MessageStore } from './conversation-messages.store.ts'
import { etagOf, ownerOf } from './conversation-owner.ts'
import { sessionIdOf } from './conversation-sessions.routes.ts'
import type { SessionStore } from './conversation-sessions.store.ts'
import { sessionView } from './conversation-views.ts'
import type { ConversationOwner, StoredSession } from './conversations.ports.ts'

interface TransferRoutesOptions {
  readonly sessions: SessionStore
  readonly messages: MessageStore
  readonly bringIn: ReturnType<typeof createImports>
  /** Largest document, as it was when the house started. */
  readonly maxBytes: number
}

const writers: Readonly<Record<SessionFormat, DocumentWriter>> = {
  json: jsonWriter,
  markdown: markdownWriter,
  html: htmlWriter,
}
const READ_AT_ONCE = 50

/** A session as a document, piece by piece: its messages in the order in which they were made. */
const pieces = async function* (
  messages: MessageStore,
  owner: ConversationOwner,
  session: StoredSession,
  writer: DocumentWriter,
): AsyncGenerator<Buffer> {
  yield Buffer.from(writer.begin(documentHead(session)))
  let before: string | null = null
  for (;;) {
    const found = await messages.list(owner, session.id, before, READ_AT_ONCE)
    for (const message of found) {
      yield Buffer.from(writer.message(documentMessage(message), before))
      before = message.id
    }
    if (found.length < READ_AT_ONCE) break
  }
  yield Buffer.from(writer.end())
}

/** Sessions out of the house, and into it. */
export const transferRoutes = ({ sessions, messages, bringIn, maxBytes }: TransferRoutesOptions): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/:session_id/export',
    summary: 'Takes a session out as a document.',
    access: 'caller',
    browser: 'person',
    query: ExportQuerySchema,
    reference: {
      operationId: 'exportSession',
      tag: 'Sessions',
      description:
        'With all branches: JSON, Markdown, or a page that stands by itself, whose text is escaped and which asks for nothing elsewhere. Each can be ' +
        'brought in again whole.',
      params: SessionPathSchema,
      answer: SessionDocumentSchema,
      otherTypes: { 'text/markdown': Type.String(), 'text/html': Type.String() },
      answerHeaders: ['content-disposition'],
      errors: ['session_not_found'],
    },
    handle: async (input) => {
      const owner = ownerOf(input.exchange)
      const session = await sessions.get(owner, sessionIdOf(input))
      const writer = writers[(input.query['format'] ?? 'json') as SessionFormat]
      return {
        kind: 'file',
        contentType: writer.contentType,
        pieces: pieces(messages, owner, session, writer),
        headers: {
          'content-disposition': `attachment; filename="${session.id}.${writer.extension}"`,
          'content-security-policy': pagePolicy,
          'x-content-type-options': 'nosniff',
        },
        release: () => {},
      }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/sessions/import',
    summary: 'Makes a session of a document.',
    access: 'caller',
    browser: 'person',
    body: ImportSessionSchema,
    maxBodyBytes: maxBytes,
    reference: {
      operationId: 'importSession',
      tag: 'Sessions',
      description:
        'All of it or nothing, with ids of its own. Markdown may also come from elsewhere: a heading such as `## User` or `## Assistant` for each turn.',
      answer: SessionSchema,
      status: 201,
      errors: ['session_quota_exceeded'],
    },
    handle: async ({ body, exchange }) => {
      const made = await bringIn(ownerOf(exchange), body as ImportSession)
      return { kind: 'json', status: 201, value: sessionView(made), headers: { etag: etagOf(made.change) } }
    },
  }),
]
