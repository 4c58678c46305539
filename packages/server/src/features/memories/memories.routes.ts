import {
  type ChangeMemory,
  ChangeMemorySchema,
  type CreateMemory,
  CreateMemorySchema,
  MemoryDeletedSchema,
  type MemoryListQuery,
  MemoryListQuerySchema,
  MemoryListSchema,
  MemoryPathSchema,
  MemorySchema,
  MemoryWrittenSchema,
} from '@headgate/contract/memories.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { Asker, MemoryOwner, NewMemory, StoredMemory } from './memories.ports.ts'
import type { MemoryStore } from './memories.store.ts'
import type { MemoryService, Written } from './memories.service.ts'
import { etagOf, isKnown, ownerOf, readIfMatch } from './memory-owner.ts'
import { dateOf, memoryView, pageView, type ViewTime } from './memory-views.ts'

export interface MemoryRoutesOptions {
  readonly store: MemoryStore
  readonly service: MemoryService
  /** Remembers one, merged with what says the same. */
  readonly remember: (asker: Asker, owner: MemoryOwner, memory: NewMemory) => Promise<Written>
  /** Told that there is something new to find. */
  readonly onChanged: (asker: Asker, owner: MemoryOwner) => void
  readonly newId: () => string
  readonly now: () => number
  readonly time: () => ViewTime
}

/** Four thousand characters, however they are escaped. */
const MOST_MEMORY_BYTES = 65_536
const USUAL_PAGE = 20
const MOST_PAGE = 100
/** How sure what said nothing of it is: who speaks for themselves, and anything else. */
const OWN_WORD = 1
const HEARSAY = 0.5

/** The id of a memory that a path names. */
export const memoryIdOf = ({ params }: CallerInput): string => params['memory_id'] as string

/** A place in a list. @throws AppError `invalid_parameter` */
export const placeIn = (cursor: string | undefined): string | undefined => {
  if (cursor === undefined || /^mem_[0-9A-Z]{26}$/.test(cursor)) return cursor
  throw new AppError('invalid_parameter', {
    details: [{ location: 'cursor', message: 'is none of this list', fix: 'Send next_cursor of the page before.' }],
  })
}

/** How many a page of a list has. */
export const pageOf = (limit: string | undefined): number => Math.min(MOST_PAGE, Number(limit ?? USUAL_PAGE))

/** What a text of blanks is answered with. */
export const blankText = (): AppError =>
  new AppError('invalid_parameter', {
    details: [{ location: 'text', message: 'is blank', fix: 'Write what is to be remembered.' }],
  })

/** What is remembered of what somebody wrote. @throws AppError `invalid_parameter` for a text of blanks. */
export const writtenMemory = (asked: CreateMemory, { caller }: Asker, id: string, now: number): NewMemory => {
  const text = asked.text.trim()
  if (text === '') throw blankText()
  const { type, id: name } = asked.source ?? { type: caller.person === null ? ('app' as const) : ('user' as const) }
  const confidence = asked.confidence ?? (type === 'user' || type === 'app' ? OWN_WORD : HEARSAY)
  const at = new Date(now)
  return {
    ...{
      id,
      text,
      confidence,
      kind: asked.kind ?? 'note',
      scope: asked.scope ?? 'general',
      createdAt: at,
      confirmedAt: at,
    },
    sources: [{ type, id: name ?? null, confidence, notedAt: Math.floor(now / 1_000) }],
    expiresAt: dateOf(asked.expires_at),
  }
}

/** `/v1/memories`. */
export const memoryRoutes = (options: MemoryRoutesOptions): Route[] => {
  const { store, service, remember, onChanged, newId, now, time } = options
  const shared = { browser: 'person', prefixedOnly: true } as const
  const view = (memory: StoredMemory) => memoryView(memory, time())
  const one = (memory: StoredMemory): Reply => ({
    kind: 'json',
    value: view(memory),
    headers: { etag: etagOf(memory.version) },
  })
  return [
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/memories',
      summary: 'Remembers something.',
      body: CreateMemorySchema,
      maxBodyBytes: MOST_MEMORY_BYTES,
      reference: {
        operationId: 'createMemory',
        tag: 'Memories',
        description:
          'It is about the person of the call, or, where a secret key names none, about the project. What says the same as one that is ' +
          'there is merged with it: sources and confidence of both are kept.',
        answer: MemoryWrittenSchema,
        status: 201,
        otherAnswers: { 200: { description: 'It was known, and has one source more.', answer: MemoryWrittenSchema } },
        errors: ['memory_quota_exceeded'],
      },
      handle: async ({ body, exchange }) => {
        const made = writtenMemory(body as CreateMemory, exchange, newId(), now())
        const { memory, wasMerged } = await remember(exchange, ownerOf(exchange), made)
        return {
          kind: 'json',
          status: wasMerged ? 200 : 201,
          value: { ...view(memory), was_merged: wasMerged },
          headers: { etag: etagOf(memory.version) },
        }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/memories',
      summary: 'Lists memories, the one that was made last first.',
      query: MemoryListQuerySchema,
      reference: { operationId: 'listMemories', tag: 'Memories', answer: MemoryListSchema },
      handle: async ({ query, exchange }) => {
        const asked = query as MemoryListQuery
        const limit = pageOf(asked.limit)
        const found = await store.list(ownerOf(exchange), {
          ...{ state: 'kept', limit: limit + 1, cursor: placeIn(asked.cursor), kind: asked.kind, scope: asked.scope },
          stale: asked.stale === undefined ? undefined : asked.stale === 'true',
        })
        return { kind: 'json', value: pageView(found, limit, view) }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/memories/:memory_id',
      summary: 'Tells of a memory.',
      reference: {
        operationId: 'getMemory',
        tag: 'Memories',
        params: MemoryPathSchema,
        answer: MemorySchema,
        otherAnswers: { 304: { description: 'It is as it was: `If-None-Match` named its `ETag`.' } },
        errors: ['memory_not_found'],
      },
      handle: async (input) => {
        const memory = await store.get(ownerOf(input.exchange), memoryIdOf(input))
        if (!isKnown(input.headers, memory.version)) return one(memory)
        const headers = { etag: etagOf(memory.version) }
        return { kind: 'bytes', status: 304, contentType: 'application/json; charset=utf-8', bytes: '', headers }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'PATCH',
      path: '/v1/memories/:memory_id',
      summary: 'Changes a memory.',
      body: ChangeMemorySchema,
      maxBodyBytes: MOST_MEMORY_BYTES,
      reference: {
        operationId: 'changeMemory',
        tag: 'Memories',
        description:
          'What is not named stays as it is, the sources always. With `If-Match` it is changed from that state only.',
        params: MemoryPathSchema,
        answer: MemorySchema,
        errors: ['memory_not_found', 'memory_changed'],
      },
      handle: async (input) => {
        const asked = input.body as ChangeMemory
        const text = asked.text?.trim()
        if (text === '') throw blankText()
        const change = { ...asked, ...(text !== undefined && { text }) }
        const owner = ownerOf(input.exchange)
        const changed = await service.change(owner, memoryIdOf(input), readIfMatch(input.headers), change)
        if (text !== undefined) onChanged(input.exchange, owner)
        return one(changed)
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'DELETE',
      path: '/v1/memories/:memory_id',
      summary: 'Forgets a memory.',
      reference: {
        operationId: 'deleteMemory',
        tag: 'Memories',
        description: 'With `If-Match` only from that state.',
        params: MemoryPathSchema,
        answer: MemoryDeletedSchema,
        errors: ['memory_not_found', 'memory_changed'],
      },
      handle: async (input) => {
        const id = memoryIdOf(input)
        await service.remove(ownerOf(input.exchange), id, 'kept', readIfMatch(input.headers))
        return { kind: 'json', value: { id, object: 'memory', deleted: true } }
      },
    }),
  ]
}
