import type { SessionMessageView, SessionView } from '@headgate/contract/conversations.ts'
import { etagOf } from './conversation-owner.ts'
import type { StoredMessage, StoredSession } from './conversations.ports.ts'

const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000)

/** A session as callers see it. */
export const sessionView = (session: StoredSession): SessionView => ({
  id: session.id,
  object: 'session',
  title: session.title,
  folder: session.folder,
  pinned: session.pinned,
  archived: session.archived,
  agent: session.agent,
  settings: session.settings,
  metadata: session.metadata,
  active_leaf: session.activeLeaf,
  message_count: session.messages,
  created_at: seconds(session.createdAt),
  updated_at: seconds(session.updatedAt),
  etag: etagOf(session.change),
})

/** A message as callers see it. */
export const messageView = (stored: StoredMessage): SessionMessageView => ({
  id: stored.id,
  object: 'session.message',
  session_id: stored.sessionId,
  parent_id: stored.parentId,
  message: stored.message,
  status: stored.status,
  model: stored.model,
  request_id: stored.requestId,
  finish_reason: stored.finishReason,
  tokens: stored.tokens,
  created_at: seconds(stored.createdAt),
})

/** A page of a list, of what was read with one more than is shown. */
export const pageView = <Item, View>(
  found: readonly Item[],
  limit: number,
  view: (item: Item) => View,
  cursorOf: (last: Item) => string,
) => {
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = found.length > limit
  return {
    object: 'list' as const,
    data: shown.map(view),
    has_more: hasMore,
    next_cursor: hasMore && last !== undefined ? cursorOf(last) : null,
  }
}
