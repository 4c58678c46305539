import {
  type AcceptProposal,
  AcceptProposalSchema,
  type ExtractionView,
  ExtractionPathSchema,
  ExtractionSchema,
  type ExtractMemories,
  ExtractMemoriesSchema,
  ProposalAcceptedSchema,
  type ProposalListQuery,
  ProposalListQuerySchema,
  ProposalRejectedSchema,
} from '@headgate/contract/memory-proposals.ts'
import { MemoryListSchema, MemoryPathSchema } from '@headgate/contract/memories.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { blankText, memoryIdOf, pageOf, placeIn } from './memories.routes.ts'
import type { AllowsPort, Asker, MemoryOwner } from './memories.ports.ts'
import type { MemoryService } from './memories.service.ts'
import type { MemoryStore } from './memories.store.ts'
import type { ExtractionRow, ExtractionStore } from './memory-extractions.store.ts'
import { etagOf, ownerOf } from './memory-owner.ts'
import { dateOf, memoryView, pageView, type ViewTime } from './memory-views.ts'

interface ProposalRoutesOptions {
  readonly store: MemoryStore
  readonly service: MemoryService
  readonly extractions: ExtractionStore
  readonly hasModel: () => boolean
  readonly allows: AllowsPort
  /** @throws AppError `session_not_found` */
  readonly checkSession: (owner: MemoryOwner, sessionId: string) => Promise<unknown>
  readonly newExtractionId: () => string
  readonly now: () => number
  readonly time: () => ViewTime
  /** Told that there is something to learn from. */
  readonly onBegun: () => void
  readonly onRemembered: (asker: Asker, owner: MemoryOwner) => void
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000)
const extractionView = (row: ExtractionRow): ExtractionView => ({
  id: row.extraction_id,
  object: 'memory.extraction',
  session_id: row.session_id,
  status: row.state,
  proposed: row.proposed,
  known: row.known,
  error: row.fault,
  created_at: seconds(row.created_at),
  ended_at: row.ended_at === null ? null : seconds(row.ended_at),
})

/** What a model learned from sessions, and what a person says to it. */
export const memoryProposalRoutes = (options: ProposalRoutesOptions): Route[] => {
  const { store, service, extractions, now, time, onRemembered } = options
  const shared = { browser: 'person', prefixedOnly: true } as const
  return [
    defineRoute({
      access: 'caller',
      prefixedOnly: true,
      method: 'POST',
      path: '/v1/memories/extractions',
      summary: 'Learns from a session.',
      body: ExtractMemoriesSchema,
      reference: {
        operationId: 'extractMemories',
        tag: 'Memories',
        description:
          'A model (`memories.extract_model`) reads the active branch of the session, on the account of the key. What it finds are proposals, which nothing uses before ' +
          'they are accepted. The one that is under way for the session is answered where there is one.',
        answer: ExtractionSchema,
        status: 202,
        errors: ['memory_extraction_unavailable', 'consent_missing', 'session_not_found', 'memory_quota_exceeded'],
      },
      handle: async ({ body, exchange }) => {
        const { session_id: sessionId, scope = 'general' } = body as ExtractMemories
        if (!options.hasModel()) throw new AppError('memory_extraction_unavailable')
        const owner = ownerOf(exchange)
        if (!(await options.allows(owner, 'memory_learning', exchange.optsOut === true)))
          throw new AppError('consent_missing')
        await options.checkSession(owner, sessionId)
        const asked = { id: options.newExtractionId(), keyId: exchange.caller.keyId, sessionId, scope }
        const row = await extractions.begin(owner, asked, (transaction) => store.hold(transaction, owner))
        options.onBegun()
        return { kind: 'json', status: 202, value: extractionView(row) }
      },
    }),
    defineRoute({
      access: 'caller',
      prefixedOnly: true,
      method: 'GET',
      path: '/v1/memories/extractions/:extraction_id',
      summary: 'Tells what was learned from a session.',
      reference: {
        operationId: 'getMemoryExtraction',
        tag: 'Memories',
        params: ExtractionPathSchema,
        answer: ExtractionSchema,
        errors: ['memory_extraction_not_found'],
      },
      handle: async ({ params, exchange }) => ({
        kind: 'json',
        value: extractionView(await extractions.get(ownerOf(exchange), params['extraction_id'] as string)),
      }),
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/memories/proposals',
      summary: 'Lists what a model would remember, the latest first.',
      query: ProposalListQuerySchema,
      reference: { operationId: 'listMemoryProposals', tag: 'Memories', answer: MemoryListSchema },
      handle: async ({ query, exchange }) => {
        const { cursor, limit: asked } = query as ProposalListQuery
        const limit = pageOf(asked)
        const page = { state: 'proposed', limit: limit + 1, cursor: placeIn(cursor) } as const
        const found = await store.list(ownerOf(exchange), page)
        return { kind: 'json', value: pageView(found, limit, (memory) => memoryView(memory, time())) }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/memories/proposals/:memory_id/accept',
      summary: 'Remembers a proposal.',
      body: AcceptProposalSchema,
      maxBodyBytes: 65_536,
      reference: {
        operationId: 'acceptMemoryProposal',
        tag: 'Memories',
        description: 'As it is, or as the body puts it right. What says the same as a memory is merged with it.',
        params: MemoryPathSchema,
        answer: ProposalAcceptedSchema,
        errors: ['memory_not_found', 'memory_quota_exceeded'],
      },
      handle: async (input) => {
        const owner = ownerOf(input.exchange)
        const asked = input.body as AcceptProposal
        const text = asked.text?.trim()
        if (text === '') throw blankText()
        const { memory, wasMerged } = await service.held(owner, async (transaction) => {
          const proposal = await store.find(transaction, owner, memoryIdOf(input), 'proposed')
          await store.remove(transaction, owner, proposal.id)
          const { expires_at: expiresAt } = asked
          return service.remember(transaction, owner, {
            ...proposal,
            text: text ?? proposal.text,
            kind: asked.kind ?? proposal.kind,
            scope: asked.scope ?? proposal.scope,
            confidence: asked.confidence ?? proposal.confidence,
            confirmedAt: new Date(now()),
            ...(expiresAt !== undefined && { expiresAt: dateOf(expiresAt) }),
          })
        })
        onRemembered(input.exchange, owner)
        const value = { ...memoryView(memory, time()), was_merged: wasMerged }
        return { kind: 'json', value, headers: { etag: etagOf(memory.version) } }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/memories/proposals/:memory_id/reject',
      summary: 'Refuses a proposal.',
      reference: {
        operationId: 'rejectMemoryProposal',
        tag: 'Memories',
        description: 'It is erased, and the same is not proposed again for a year.',
        params: MemoryPathSchema,
        answer: ProposalRejectedSchema,
        errors: ['memory_not_found'],
      },
      handle: async (input) => {
        const owner = ownerOf(input.exchange)
        const id = memoryIdOf(input)
        await service.held(owner, async (transaction) => {
          const { text } = await store.find(transaction, owner, id, 'proposed')
          await store.remove(transaction, owner, id)
          await extractions.reject(transaction, owner, text)
        })
        return { kind: 'json', value: { id, object: 'memory', rejected: true } }
      },
    }),
  ]
}
