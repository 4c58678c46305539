import { type Static, Type } from 'typebox'
import { cursor, pageLimit } from './conversations.ts'
import { nullable } from './inference.ts'
import { ChangeMemorySchema, MemoryWrittenSchema } from './memories.ts'

const closed = { additionalProperties: false } as const

/** Body of `POST /v1/memories/extractions`. */
export const ExtractMemoriesSchema = Type.Object(
  {
    session_id: Type.String({
      maxLength: 64,
      pattern: '^ses_[0-9A-Z]{26}$',
      description: 'A session of the same person.',
    }),
    scope: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$',
        maxLength: 64,
        description: 'Scope of what is proposed; `general` unless told.',
      }),
    ),
  },
  { ...closed, title: 'ExtractMemories', examples: [{ session_id: 'ses_01J8ZQ6T3V9XK2M4N7P0R5S8WB' }] },
)
export type ExtractMemories = Static<typeof ExtractMemoriesSchema>

/** Path of an extraction. */
export const ExtractionPathSchema = Type.Object({
  extraction_id: Type.String({ description: '`id` of the extraction.', examples: ['mex_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

export const extractionStates = ['queued', 'running', 'completed', 'failed'] as const
export type ExtractionState = (typeof extractionStates)[number]

/** What is to be learned from a session, and what came of it. */
export const ExtractionSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('memory.extraction'),
    session_id: Type.String(),
    status: Type.Enum([...extractionStates]),
    proposed: Type.Integer({
      minimum: 0,
      description: 'Memories that are new; with `memories.auto_accept`, remembered at once.',
    }),
    known: Type.Integer({ minimum: 0, description: 'What was known, proposed or refused already.' }),
    error: nullable(Type.String(), { description: 'Code of the error that ended it.' }),
    created_at: Type.Integer(),
    ended_at: nullable(Type.Integer()),
  },
  { ...closed, title: 'MemoryExtraction' },
)
export type ExtractionView = Static<typeof ExtractionSchema>

/** Query of `GET /v1/memories/proposals`. */
export const ProposalListQuerySchema = Type.Object(
  { cursor: cursor('`next_cursor` of the page before.'), limit: pageLimit(20, 100) },
  closed,
)
export type ProposalListQuery = Static<typeof ProposalListQuerySchema>

const { confirmed: _confirmed, ...changes } = ChangeMemorySchema.properties
/** Body of `POST /v1/memories/proposals/{memory_id}/accept`: what is put right before it is remembered. */
export const AcceptProposalSchema = Type.Object(changes, { ...closed, title: 'AcceptProposal', examples: [{}] })
export type AcceptProposal = Static<typeof AcceptProposalSchema>

/** What it was remembered as. */
export const ProposalAcceptedSchema = MemoryWrittenSchema

/** What refusing one answers. */
export const ProposalRejectedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('memory'), rejected: Type.Literal(true) },
  { ...closed, title: 'ProposalRejected' },
)
