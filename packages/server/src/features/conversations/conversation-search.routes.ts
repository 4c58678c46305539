import {
  type DeletedView,
  MatchListSchema,
  type MatchView,
  type SearchQuery,
  SearchQuerySchema,
  SyncListSchema,
  type SyncQuery,
  SyncQuerySchema,
} from '@headgate/contract/conversation-search.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { ownerOf } from './conversation-owner.ts'
import type { Found, SearchStore } from './conversation-search.store.ts'
import { snippetOf } from './conversation-snippet.ts'
import type { Change, SyncPoint, SyncStore } from './conversation-sync.store.ts'
import { messageView, pageView, sessionView } from './conversation-views.ts'
import { wordsOf } from './conversation-words.ts'

interface SearchRoutesOptions {
  readonly search: SearchStore
  readonly sync: SyncStore
}

const USUAL_FOUND = 20
const MOST_FOUND = 100
const USUAL_CHANGES = 100
const MOST_CHANGES = 500

const matchView = (asked: string, { message: { message, ...stored }, title }: Found): MatchView => ({
  object: 'session.match',
  session_id: stored.sessionId,
  title,
  message_id: stored.id,
  role: message.role,
  snippet: snippetOf(wordsOf(message), asked),
  created_at: Math.floor(stored.createdAt.getTime() / 1_000),
})

const changeView = (change: Change) => {
  if (change.kind === 'session') return sessionView(change.session)
  if (change.kind === 'message') return messageView(change.message)
  const { sessionId, messageId } = change
  return {
    object: 'deleted',
    kind: messageId === null ? 'session' : 'session.message',
    id: messageId ?? sessionId,
    session_id: sessionId,
  } satisfies DeletedView
}

const readPoint = (since: string | undefined): SyncPoint | null => {
  const [, change, deleted] = /^s(\d+)(?:-(\d+))?$/.exec(since ?? '') ?? []
  return change === undefined ? null : { change: Number(change), deleted: Number(deleted ?? change) }
}
const writePoint = ({ change, deleted }: SyncPoint): string =>
  deleted > change ? `s${change}-${deleted}` : `s${change}`

/** What was said where, and what has changed since. */
export const searchRoutes = ({ search, sync }: SearchRoutesOptions): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/search',
    summary: 'Finds messages by their words.',
    access: 'caller',
    browser: 'person',
    query: SearchQuerySchema,
    reference: {
      operationId: 'searchSessions',
      tag: 'Sessions',
      description:
        'In one’s own sessions, all branches, the message that was added last first. Words are found whole, in whatever case.',
      answer: MatchListSchema,
    },
    handle: async ({ query, exchange }) => {
      const { limit: asked, ...wish } = query as SearchQuery
      if (wish.cursor !== undefined && !/^msg_[0-9A-Z]{26}$/.test(wish.cursor))
        throw new AppError('invalid_parameter', {
          details: [
            { location: 'cursor', message: 'is none of this list', fix: 'Send next_cursor of the page before.' },
          ],
        })
      const limit = Math.min(MOST_FOUND, Number(asked ?? USUAL_FOUND))
      const found = await search.find(ownerOf(exchange), wish, limit + 1)
      const view = (one: Found) => matchView(wish.q, one)
      return { kind: 'json', value: pageView(found, limit, view, ({ message }) => message.id) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/sync',
    summary: 'Tells what has changed in sessions since the last time.',
    access: 'caller',
    browser: 'person',
    query: SyncQuerySchema,
    reference: {
      operationId: 'syncSessions',
      tag: 'Sessions',
      description:
        'Sessions and messages as they are now, and what was deleted, in the order of the changes; an item that changed twice comes once. ' +
        'What was deleted is told for `sessions.tombstone_days`.',
      answer: SyncListSchema,
      errors: ['sync_expired'],
    },
    handle: async ({ query, exchange }) => {
      const { since, limit = USUAL_CHANGES } = query as SyncQuery
      const most = Math.min(MOST_CHANGES, Number(limit))
      const { changes, hasMore, next } = await sync.since(ownerOf(exchange), readPoint(since), most)
      const value = { object: 'list', data: changes.map(changeView), has_more: hasMore, next_cursor: writePoint(next) }
      return { kind: 'json', value }
    },
  }),
]
