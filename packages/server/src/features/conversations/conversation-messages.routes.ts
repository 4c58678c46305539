import { MessageDeletedSchema } from '@headgate/contract/conversation-deletions.ts'
import {
  type AddMessage,
  AddMessageSchema,
  type MessageListQuery,
  MessageListQuerySchema,
  SessionMessageListSchema,
  SessionMessagePathSchema,
  SessionMessageSchema,
  SessionPathSchema,
} from '@headgate/contract/conversations.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { MessageStore } from './conversation-messages.store.ts'
import { ownerOf, readIfMatch } from './conversation-owner.ts'
import { sessionIdOf } from './conversation-sessions.routes.ts'
import type { SessionStore } from './conversation-sessions.store.ts'
import { messageView, pageView } from './conversation-views.ts'
import type { WireMessage } from './conversations.ports.ts'

interface MessageRoutesOptions {
  readonly sessions: SessionStore
  readonly messages: MessageStore
  readonly tokensOf: (message: WireMessage) => Promise<number>
  readonly newId: (prefix: 'ses' | 'msg') => string
  /** Largest message, as it was when the house started. */
  readonly maxBytes: number
}

/** What stands around a message in a body. */
const AROUND_BYTES = 65_536
const USUAL_PAGE = 50
const MOST_PAGE = 200
const MESSAGE_ID = /^msg_[0-9A-Z]{26}$/

const wrong = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })

const messageIdOf = ({ params }: CallerInput): string => params['message_id'] as string

/** `/v1/sessions/{session_id}/messages`. */
export const messageRoutes = ({ sessions, messages, tokensOf, newId, maxBytes }: MessageRoutesOptions): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/sessions/:session_id/messages',
    summary: 'Adds a message to a session without asking a model.',
    access: 'caller',
    browser: 'person',
    body: AddMessageSchema,
    maxBodyBytes: maxBytes + AROUND_BYTES,
    reference: {
      operationId: 'addSessionMessage',
      tag: 'Sessions',
      description:
        'Messages are not changed: an edit (`edits`) is a branch beside what it edits, and what followed that stays with it. ' +
        'With `If-Match` it is added to that state of the session only.',
      params: SessionPathSchema,
      answer: SessionMessageSchema,
      status: 201,
      errors: ['session_not_found', 'message_not_found', 'session_changed', 'session_quota_exceeded'],
    },
    handle: async (input) => {
      const { message, parent_id: parent, edits, active } = input.body as AddMessage
      if (parent !== undefined && edits !== undefined)
        throw wrong('edits', 'and parent_id both say where it stands', 'Send one of them.')
      const owner = ownerOf(input.exchange)
      const [id, sessionId] = [newId('msg'), sessionIdOf(input)]
      const entry = {
        ...{ id, message, model: null, requestId: null, finishReason: null },
        ...{ status: 'complete' as const, tokens: await tokensOf(message) },
      }
      const place = { parent, edits, isActive: active ?? true }
      await messages.add(owner, sessionId, place, [entry], readIfMatch(input.headers))
      return { kind: 'json', status: 201, value: messageView(await messages.get(owner, sessionId, id)) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/:session_id/messages',
    summary: 'Reads the messages of a session.',
    access: 'caller',
    browser: 'person',
    query: MessageListQuerySchema,
    reference: {
      operationId: 'listSessionMessages',
      tag: 'Sessions',
      description:
        'Of one branch from its leaf back to the beginning, the latest message first; with `branches=all` those of all, in the order in which ' +
        'they were made, each with the message before it.',
      params: SessionPathSchema,
      answer: SessionMessageListSchema,
      errors: ['session_not_found', 'message_not_found'],
    },
    handle: async (input) => {
      const { cursor, limit: asked, leaf, branches } = input.query as MessageListQuery
      if (cursor !== undefined && !MESSAGE_ID.test(cursor))
        throw wrong('cursor', 'is none of this list', 'Send next_cursor of the page before.')
      const limit = Math.min(MOST_PAGE, Number(asked ?? USUAL_PAGE))
      const owner = ownerOf(input.exchange)
      const { id, activeLeaf } = await sessions.get(owner, sessionIdOf(input))
      if (branches === 'all') {
        const found = await messages.list(owner, id, cursor ?? null, limit + 1)
        return { kind: 'json', value: pageView(found, limit, messageView, (last) => last.id) }
      }
      const from = cursor ?? leaf ?? activeLeaf
      const found = from === null ? [] : await messages.branch(owner, id, from, limit + 1)
      // The cursor is the first message of the next page.
      const next = found[limit]?.id ?? ''
      return { kind: 'json', value: pageView(found, limit, messageView, () => next) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/:session_id/messages/:message_id',
    summary: 'Reads one message.',
    access: 'caller',
    browser: 'person',
    reference: {
      operationId: 'getSessionMessage',
      tag: 'Sessions',
      params: SessionMessagePathSchema,
      answer: SessionMessageSchema,
      errors: ['session_not_found', 'message_not_found'],
    },
    handle: async (input) => {
      const owner = ownerOf(input.exchange)
      const { id } = await sessions.get(owner, sessionIdOf(input))
      return { kind: 'json', value: messageView(await messages.get(owner, id, messageIdOf(input))) }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/v1/sessions/:session_id/messages/:message_id',
    summary: 'Erases a message and all that followed it.',
    access: 'caller',
    browser: 'person',
    reference: {
      operationId: 'deleteSessionMessage',
      tag: 'Sessions',
      description:
        'Where the active leaf goes, the session goes on from the message before. With `If-Match` only from that state of the session.',
      params: SessionMessagePathSchema,
      answer: MessageDeletedSchema,
      errors: ['session_not_found', 'message_not_found', 'session_changed'],
    },
    handle: async (input) => {
      const id = messageIdOf(input)
      const owner = ownerOf(input.exchange)
      const count = await messages.remove(owner, sessionIdOf(input), id, readIfMatch(input.headers))
      return { kind: 'json', value: { id, object: 'session.message', deleted: true, deleted_count: count } }
    },
  }),
]
