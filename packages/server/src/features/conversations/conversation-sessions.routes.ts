import { SessionDeletedSchema } from '@headgate/contract/conversation-deletions.ts'
import {
  type ChangeSession,
  ChangeSessionSchema,
  type CreateSession,
  CreateSessionSchema,
  type SessionListQuery,
  SessionListQuerySchema,
  SessionListSchema,
  SessionPathSchema,
  SessionSchema,
} from '@headgate/contract/conversations.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import { etagOf, isKnown, ownerOf, readIfMatch } from './conversation-owner.ts'
import type { SessionStore } from './conversation-sessions.store.ts'
import { pageView, sessionView } from './conversation-views.ts'
import type { StoredSession } from './conversations.ports.ts'

interface SessionRoutesOptions {
  readonly sessions: SessionStore
  readonly newId: (prefix: 'ses' | 'msg') => string
}

/** An agent with all it may have. */
export const MOST_SESSION_BYTES = 1_048_576
const USUAL_PAGE = 20
const MOST_PAGE = 100
/** Members of a call that are the call’s own, or the session’s. */
const notParameters = new Set(['messages', 'model', 'tools', 'stream', 'stream_options', 'user', 'n'])

/** Refuses parameters that are no agent’s to say. @throws AppError `invalid_parameter` */
export const checkAgent = ({ agent }: Pick<CreateSession, 'agent'>): void => {
  const wrong = Object.keys(agent?.parameters ?? {}).find((name) => notParameters.has(name))
  if (wrong === undefined) return
  const location = `agent.parameters.${wrong}`
  throw new AppError('invalid_parameter', {
    detail: `${location} is not a parameter`,
    details: [{ location, message: 'is not a parameter', fix: 'Say it in the call, or in the agent itself.' }],
  })
}

/** The id of a session that a path names. */
export const sessionIdOf = ({ params }: CallerInput): string => params['session_id'] as string

const one = (session: StoredSession, status = 200): Reply => ({
  kind: 'json',
  status,
  value: sessionView(session),
  headers: { etag: etagOf(session.change) },
})

const place = (text: string | undefined): number | null => {
  if (text === undefined) return null
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(number))
    throw new AppError('invalid_parameter', {
      details: [{ location: 'cursor', message: 'is none of this list', fix: 'Send next_cursor of the page before.' }],
    })
  return number
}

/** `/v1/sessions`. */
export const sessionRoutes = ({ sessions, newId }: SessionRoutesOptions): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/sessions',
    summary: 'Begins a session.',
    access: 'caller',
    browser: 'person',
    body: CreateSessionSchema,
    maxBodyBytes: MOST_SESSION_BYTES,
    reference: {
      operationId: 'createChatSession',
      tag: 'Sessions',
      description:
        'It belongs to the person of the call, or, where a secret key names none, to the project. Nobody else sees it.',
      answer: SessionSchema,
      status: 201,
      errors: ['session_quota_exceeded'],
    },
    handle: async ({ body, exchange }) => {
      const asked = body as CreateSession
      checkAgent(asked)
      const made = await sessions.create(ownerOf(exchange), newId('ses'), {
        title: asked.title ?? null,
        folder: asked.folder ?? null,
        agent: asked.agent ?? null,
        settings: asked.settings ?? null,
        metadata: asked.metadata ?? null,
        pinned: asked.pinned ?? false,
        archived: asked.archived ?? false,
      })
      return one(made, 201)
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/sessions',
    summary: 'Lists sessions, the one that changed last first.',
    access: 'caller',
    browser: 'person',
    query: SessionListQuerySchema,
    reference: { operationId: 'listChatSessions', tag: 'Sessions', answer: SessionListSchema },
    handle: async ({ query, exchange }) => {
      const asked = query as SessionListQuery
      const limit = Math.min(MOST_PAGE, Number(asked.limit ?? USUAL_PAGE))
      const found = await sessions.list(ownerOf(exchange), {
        before: place(asked.cursor),
        limit: limit + 1,
        archived: asked.archived === 'true',
        pinned: asked.pinned === undefined ? null : asked.pinned === 'true',
        folder: asked.folder ?? null,
        title: asked.title ?? null,
      })
      return { kind: 'json', value: pageView(found, limit, sessionView, ({ change }) => String(change)) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/:session_id',
    summary: 'Tells of a session.',
    access: 'caller',
    browser: 'person',
    reference: {
      operationId: 'getChatSession',
      tag: 'Sessions',
      params: SessionPathSchema,
      answer: SessionSchema,
      otherAnswers: { 304: { description: 'It is as it was: `If-None-Match` named its `ETag`.' } },
      errors: ['session_not_found'],
    },
    handle: async (input) => {
      const session = await sessions.get(ownerOf(input.exchange), sessionIdOf(input))
      if (!isKnown(input.headers, session.change)) return one(session)
      const headers = { etag: etagOf(session.change) }
      return { kind: 'bytes', status: 304, contentType: 'application/json; charset=utf-8', bytes: '', headers }
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/v1/sessions/:session_id',
    summary: 'Changes a session.',
    access: 'caller',
    browser: 'person',
    body: ChangeSessionSchema,
    maxBodyBytes: MOST_SESSION_BYTES,
    reference: {
      operationId: 'changeChatSession',
      tag: 'Sessions',
      description:
        'What is not named stays as it is; null takes something away. With `If-Match` it is changed from that state only. ' +
        '`active_leaf` goes over to another branch.',
      params: SessionPathSchema,
      answer: SessionSchema,
      errors: ['session_not_found', 'session_changed', 'message_not_found', 'session_quota_exceeded'],
    },
    handle: async (input) => {
      const { active_leaf: activeLeaf, ...asked } = input.body as ChangeSession
      checkAgent(asked)
      const change = { ...asked, ...(activeLeaf !== undefined && { activeLeaf }) }
      const state = readIfMatch(input.headers)
      return one(await sessions.update(ownerOf(input.exchange), sessionIdOf(input), state, change))
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/v1/sessions/:session_id',
    summary: 'Erases a session with all of its messages.',
    access: 'caller',
    browser: 'person',
    reference: {
      operationId: 'deleteChatSession',
      tag: 'Sessions',
      description: 'With `If-Match` only from that state.',
      params: SessionPathSchema,
      answer: SessionDeletedSchema,
      errors: ['session_not_found', 'session_changed'],
    },
    handle: async (input) => {
      const id = sessionIdOf(input)
      await sessions.remove(ownerOf(input.exchange), id, readIfMatch(input.headers))
      return { kind: 'json', value: { id, object: 'session', deleted: true } }
    },
  }),
]
