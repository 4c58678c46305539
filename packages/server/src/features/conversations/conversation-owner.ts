import { createHmac } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import { createEntityTags } from '../../kernel/entity-tag.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Asker, ConversationOwner } from './conversations.ports.ts'

/**
 * Whose sessions somebody asks for: the person's, where one is proven or a backend names one; else the project's own.
 * @throws AppError `secret_key_required` for a browser's key without a person: everybody who visits the page has it.
 */
export const ownerOf = ({ caller, user }: Asker): ConversationOwner => {
  if (caller.kind !== 'secret' && caller.person === null) throw new AppError('secret_key_required')
  return { project: caller.projectId, subject: user ?? '' }
}

const WORD_BYTES = 8
/** Words of a title as it is found by them: whole, in whatever case. */
const titleWords = (title: string): readonly string[] =>
  title
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/** What is found without being told: digests under a key that the database does not have. */
export const createDigests = (key: Buffer) => {
  const digest = (purpose: string, { project, subject }: ConversationOwner, text: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([`headgate/${purpose}/1`, project, subject, text]))
      .digest()
  return {
    /** Of the name of a folder. */
    folder: (owner: ConversationOwner, name: string | null): Buffer | null =>
      name === null ? null : digest('conversation-folder', owner, name),
    /** Of the words of a title. */
    title: (owner: ConversationOwner, title: string | null): readonly Buffer[] =>
      [...new Set(titleWords(title ?? ''))].map((word) =>
        digest('conversation-title', owner, word).subarray(0, WORD_BYTES),
      ),
    /** The word that stands in everything of an owner; no text has one with a `~`. */
    ownerWord: (owner: ConversationOwner): string =>
      `~${digest('conversation-owner', owner, '').toString('hex', 0, 16)}`,
  }
}
export type Digests = ReturnType<typeof createDigests>

/** Tags of sessions. */
export const { etagOf, readIfMatch, isKnown } = createEntityTags('c')

/** What `x-headgate-session` of a call names. */
export interface NamedSession {
  readonly sessionId: string
  /** The message to go on from; null: from the beginning; undefined: from the active leaf. */
  readonly parent: string | null | undefined
}

const NAMED = /^(ses_[0-9A-Z]{26})(?:\s*;\s*parent=(msg_[0-9A-Z]{26}|none))?$/

/** Reads `x-headgate-session`. @throws AppError `invalid_parameter`. */
export const readSessionHeader = (given: string | string[] | undefined): NamedSession => {
  const [, sessionId, parent] = NAMED.exec(String(given).trim()) ?? []
  if (sessionId === undefined)
    throw new AppError('invalid_parameter', {
      details: [
        {
          location: header.session,
          message: 'names no session',
          fix: 'Send the id of a session, and with it, if need be, the message to go on from: ses_…; parent=msg_…',
        },
      ],
    })
  return { sessionId, parent: parent === 'none' ? null : parent }
}
