import {
  MemoriesAboutSchema,
  MemoriesImportedSchema,
  MemoriesRevokedSchema,
  type RevokeMemories,
  RevokeMemoriesSchema,
} from '@headgate/contract/memories.ts'
import { Type } from 'typebox'
import type { BodyStream } from '../../kernel/route.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { Asker, MemoryOwner, RecordAct } from './memories.ports.ts'
import type { MemoryService } from './memories.service.ts'
import type { MemoryStore } from './memories.store.ts'
import { tellAbout } from './memory-about.ts'
import { MOST_LINES, readLines } from './memory-lines.ts'
import { ownerOf } from './memory-owner.ts'
import { memoryLine, type ViewTime } from './memory-views.ts'

interface TransferRoutesOptions {
  readonly store: MemoryStore
  readonly service: MemoryService
  /** Told that there is something new to find. */
  readonly onChanged: (asker: Asker, owner: MemoryOwner) => void
  readonly newId: (at?: number) => string
  readonly record: RecordAct
  readonly now: () => number
  readonly time: () => ViewTime
}

const JSON_LINES = 'application/jsonl'
const MOST_IMPORT_BYTES = 8_388_608
const READ_AT_ONCE = 100
/** Memories that a summary tells of. */
const MOST_TOLD = 500

const lines = async function* (store: MemoryStore, owner: MemoryOwner): AsyncGenerator<Buffer> {
  let cursor: string | undefined
  for (;;) {
    const found = await store.list(owner, { state: 'kept', limit: READ_AT_ONCE, cursor })
    for (const memory of found) yield Buffer.from(`${JSON.stringify(memoryLine(memory))}\n`)
    cursor = found.at(-1)?.id
    if (found.length < READ_AT_ONCE) return
  }
}

/** What is known about somebody, out of the house, into it, and taken back. */
export const memoryTransferRoutes = (options: TransferRoutesOptions): Route[] => {
  const { store, service, onChanged, newId, record, now, time } = options
  const shared = { browser: 'person', prefixedOnly: true } as const
  return [
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/memories/about',
      summary: 'Tells what is known about somebody.',
      reference: {
        operationId: 'tellAboutPerson',
        tag: 'Memories',
        description: `By kind, with where it comes from and how old it is; \`text\` is the same to be read. The last ${MOST_TOLD}.`,
        answer: MemoriesAboutSchema,
      },
      handle: async ({ exchange }) => {
        const owner = ownerOf(exchange)
        const [memories, total] = await Promise.all([
          store.list(owner, { state: 'kept', limit: MOST_TOLD }),
          store.count(owner),
        ])
        return { kind: 'json', value: tellAbout(memories, Math.max(total, memories.length), time()) }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/memories/export',
      summary: 'Takes all memories out.',
      reference: {
        operationId: 'exportMemories',
        tag: 'Memories',
        description: 'As JSON Lines, the one that was made last first; they can be brought in again whole.',
        answer: Type.String({ description: 'A line of JSON for each, as `importMemories` takes it.' }),
        contentType: JSON_LINES,
        answerHeaders: ['content-disposition'],
      },
      handle: ({ exchange }) => ({
        kind: 'file',
        contentType: JSON_LINES,
        pieces: lines(store, ownerOf(exchange)),
        headers: {
          'content-disposition': 'attachment; filename="memories.jsonl"',
          'x-content-type-options': 'nosniff',
        },
        release: () => {},
      }),
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/memories/import',
      summary: 'Brings memories in.',
      body: 'stream',
      maxBodyBytes: MOST_IMPORT_BYTES,
      reference: {
        operationId: 'importMemories',
        tag: 'Memories',
        description: `JSON Lines, at most ${MOST_LINES}: all of them or none. What says the same as one that is there is merged with it.`,
        bodyType: JSON_LINES,
        answer: MemoriesImportedSchema,
        errors: ['memory_quota_exceeded'],
      },
      handle: async ({ body, exchange }) => {
        const owner = ownerOf(exchange)
        const memories = await readLines(body as BodyStream, newId, now())
        const merged = await service.held(owner, async (transaction) => {
          let many = 0
          for (const memory of memories) if ((await service.remember(transaction, owner, memory)).wasMerged) many += 1
          return many
        })
        onChanged(exchange, owner)
        return {
          kind: 'json',
          value: { object: 'memory.import', imported: memories.length - merged, merged },
        }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/memories/revoke',
      summary: 'Takes back all that a source said.',
      body: RevokeMemoriesSchema,
      reference: {
        operationId: 'revokeMemories',
        tag: 'Memories',
        description:
          'Memories and proposals that nothing else said are gone; from the others the source is taken away, and with it its confidence. ' +
          'Without an `id`: all that any source of this type said. The audit tells that it was done, by which key, and of how many.',
        answer: MemoriesRevokedSchema,
      },
      handle: async ({ body, exchange, requestId }) => {
        const owner = ownerOf(exchange)
        const asked = body as RevokeMemories
        // What the source is called may tell of the person: an entry cannot be taken back.
        const act = {
          actor: `caller/${exchange.caller.keyId}`,
          action: 'memories.revoked',
          resource: `memories/${asked.source.type}`,
          project: owner.project,
          requestId,
        }
        const done = await service.revoke(owner, asked, (transaction, after) => record(transaction, { ...act, after }))
        return { kind: 'json', value: { object: 'memory.revocation', ...done } }
      },
    }),
  ]
}
