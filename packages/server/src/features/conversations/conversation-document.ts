import { type DocumentHead, type DocumentMessage, documentFormat } from '@headgate/contract/conversation-transfer.ts'
import { outlineJson, parseStorableJson } from '../../kernel/json.ts'
import type { StoredMessage, StoredSession } from './conversations.ports.ts'

const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000)

/** All of a session but for its messages. */
export const documentHead = (session: StoredSession): DocumentHead => ({
  format: documentFormat,
  title: session.title,
  folder: session.folder,
  pinned: session.pinned,
  archived: session.archived,
  metadata: session.metadata,
  agent: session.agent,
  settings: session.settings,
  active_leaf: session.activeLeaf,
  created_at: seconds(session.createdAt),
})

/** A message of a document. */
export const documentMessage = (stored: StoredMessage): DocumentMessage => ({
  id: stored.id,
  parent_id: stored.parentId,
  message: stored.message,
  status: stored.status,
  model: stored.model,
  finish_reason: stored.finishReason,
  created_at: seconds(stored.createdAt),
})

/** How a document is written, piece by piece. */
export interface DocumentWriter {
  readonly contentType: string
  readonly extension: string
  readonly begin: (head: DocumentHead) => string
  /** @param before The message that was written before; null for the first. */
  readonly message: (message: DocumentMessage, before: string | null) => string
  readonly end: () => string
}

/** A document as JSON: itself. */
export const jsonWriter: DocumentWriter = {
  contentType: 'application/json; charset=utf-8',
  extension: 'json',
  begin: (head) => `${JSON.stringify(head).slice(0, -1)},"messages":[`,
  message: (message, before) => `${before === null ? '' : ','}\n${JSON.stringify(message)}`,
  end: () => '\n]}\n',
}

/**
 * JSON that a document holds within its text: it nests no deeper than any body may.
 * @throws AppError `json_too_deep`, `invalid_json`, `invalid_encoding`
 */
export const readPiece = (text: string): unknown => {
  const bytes = Buffer.from(text)
  outlineJson(bytes)
  return parseStorableJson(bytes)
}

/** How a role is called in a document for people. */
export const roleName = (role: string): string => role.charAt(0).toUpperCase() + role.slice(1)

/** Where a message stands, when that is not after the one that stands before it. */
export const branchNote = ({ parent_id: parent }: DocumentMessage, before: string | null): string | null => {
  if (parent === before) return null
  return parent === null ? 'Begins anew' : `Goes on from ${parent}`
}
