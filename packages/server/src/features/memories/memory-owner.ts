import { createHmac } from 'node:crypto'
import type { MemorySource } from '@headgate/contract/memories.ts'
import { createEntityTags } from '../../kernel/entity-tag.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Asker, MemoryOwner } from './memories.ports.ts'
import { simplest } from './memory-words.ts'

/**
 * Whose memories somebody asks for: the person's, where one is proven or a backend names one; else the project's own.
 * @throws AppError `secret_key_required` for a browser's key without a person: everybody who visits the page has it.
 */
export const ownerOf = ({ caller, user }: Asker): MemoryOwner => {
  if (caller.kind !== 'secret' && caller.person === null) throw new AppError('secret_key_required')
  return { project: caller.projectId, subject: user ?? '' }
}

/** What is found without being told: digests under a key that the database does not have. */
export const createDigests = (key: Buffer) => {
  const digest = (purpose: string, { project, subject }: MemoryOwner, text: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([`headgate/${purpose}/1`, project, subject, text]))
      .digest()
  return {
    /** Of what a text says, however it is written. */
    text: (owner: MemoryOwner, text: string): Buffer => digest('memory-text', owner, simplest(text)),
    /** Of what a source is called. */
    source: (owner: MemoryOwner, type: MemorySource, id: string | null): Buffer =>
      digest('memory-source', owner, id === null ? `${type}` : `${type} ${id}`),
  }
}
export type Digests = ReturnType<typeof createDigests>

/** Tags of memories. */
export const { etagOf, readIfMatch, isKnown } = createEntityTags('m')
