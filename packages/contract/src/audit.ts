import { type Static, Type } from 'typebox'
import { PageQuerySchema, pageSchema } from './keys.ts'

const textOrNull = Type.Union([Type.String(), Type.Null()])
/** Any object, as it stood. */
const state = (description: string) =>
  Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], { description })

/** One act of an operator; entries are never changed or taken back. */
export const AuditEntrySchema = Type.Object(
  {
    object: Type.Literal('audit_entry'),
    seq: Type.String({ description: 'Number of the entry, without gaps; decimal text, because it may pass 2^53.' }),
    at: Type.String({ format: 'date-time' }),
    actor: Type.String({ description: 'Who: `admin`, `cli`, …' }),
    action: Type.String({ description: 'What, in the past tense: `key.created`.' }),
    resource: Type.String({ description: 'On what: `key/<id>`.' }),
    project: Type.Union([Type.String(), Type.Null()], { description: 'Null where it belongs to none.' }),
    before: state('What stood before, as far as it changed.'),
    after: state('What stands since, as far as it changed.'),
    request_id: textOrNull,
    reason: textOrNull,
    prev_hash: Type.Union([Type.String(), Type.Null()], {
      description: 'Hash of the entry before, in hex; zeros in the first.',
    }),
    hash: Type.Union([Type.String(), Type.Null()], {
      description: 'Of this one: SHA-256 over a zero byte and its canonical JSON, as the export has it.',
    }),
  },
  {
    title: 'AuditEntry',
    examples: [
      {
        object: 'audit_entry',
        seq: '42',
        at: '2026-01-31T09:15:00.000Z',
        actor: 'admin',
        action: 'key.revoked',
        resource: 'key/7Qm2xW4kZ9tB',
        project: 'default',
        before: { state: 'active' },
        after: { state: 'deactivated' },
        request_id: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        reason: 'The app was retired.',
        prev_hash: '5d53469f20fef4f8eab52b88044ede69c77a6a68a60728609fc4a65ff531e7d0',
        hash: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      },
    ],
  },
)
export type AuditEntry = Static<typeof AuditEntrySchema>

/** Answer of `GET /admin/v1/audit`. */
export const AuditPageSchema = pageSchema(AuditEntrySchema, 'AuditPage')

const decimal = (description: string, example: string) =>
  Type.String({ pattern: '^[1-9]\\d{0,17}$', description, examples: [example] })

/** A signed checkpoint. */
export const AuditCheckpointSchema = Type.Object(
  {
    object: Type.Literal('audit_checkpoint'),
    size: Type.String({ description: 'How many entries it covers, from the first on.' }),
    root: Type.String({ description: 'Root of their Merkle tree (RFC 6962), in hex.' }),
    note: Type.String({
      description: 'The checkpoint as a signed note (c2sp.org/tlog-checkpoint), with the lines of witnesses.',
    }),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'AuditCheckpoint' },
)
export type AuditCheckpoint = Static<typeof AuditCheckpointSchema>
export const AuditCheckpointPageSchema = pageSchema(AuditCheckpointSchema, 'AuditCheckpointPage')
export const CheckpointQuerySchema = PageQuerySchema

/** A public key that signs checkpoints. */
export const AuditKeySchema = Type.Object(
  {
    object: Type.Literal('audit_key'),
    version: Type.Integer({ minimum: 1 }),
    key: Type.String({ description: 'Name, id and public key as one text: a verifier key of c2sp.org/signed-note.' }),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'AuditKey' },
)
export type AuditKey = Static<typeof AuditKeySchema>
export const AuditKeyListSchema = Type.Object(
  { object: Type.Literal('list'), data: Type.Array(AuditKeySchema) },
  { title: 'AuditKeyList' },
)

/** Path of `GET /admin/v1/audit/proofs/:seq`. */
export const AuditProofPathSchema = Type.Object(
  { seq: decimal('Number of the entry.', '1') },
  { additionalProperties: false },
)
/** Query of it. */
export const AuditProofQuerySchema = Type.Object(
  { size: Type.Optional(decimal('Size of the checkpoint; the first that covers the entry unless told.', '42')) },
  { additionalProperties: false },
)
export const AuditProofSchema = Type.String({ title: 'AuditProof' })
/** Entries, a line each. */
export const AuditExportSchema = Type.String({ title: 'AuditExport' })

/** Query of `GET /admin/v1/audit/consistency`: sizes of two checkpoints. */
export const AuditConsistencyQuerySchema = Type.Object(
  { from: decimal('Size of one checkpoint.', '42'), to: decimal('Size of another.', '57') },
  { additionalProperties: false },
)
/** That one checkpoint is the beginning of another. */
export const AuditConsistencySchema = Type.Object(
  {
    object: Type.Literal('audit_consistency'),
    from: AuditCheckpointSchema,
    to: AuditCheckpointSchema,
    proof: Type.Array(Type.String(), { description: 'Hashes in base64, in the order of RFC 6962.' }),
  },
  { title: 'AuditConsistency' },
)
export type AuditConsistency = Static<typeof AuditConsistencySchema>

/** Query of `GET /admin/v1/audit/review`. */
export const AuditReviewQuerySchema = Type.Object(
  {
    days: Type.Optional(
      Type.String({
        pattern: '^([1-9]|[1-9]\\d|[12]\\d\\d|3[0-5]\\d|36[0-6])$',
        description: 'Days whose actions are counted, 1 to 366; 90 unless told.',
        examples: ['90'],
      }),
    ),
  },
  { additionalProperties: false },
)

/** Something that should be looked at. */
export const ReviewFindingSchema = Type.Object({
  kind: Type.Enum(['operator_idle', 'shared_key_used', 'key_idle', 'key_without_end', 'key_ends_soon', 'key_expired']),
  subject: Type.String({ description: 'Whose access: `key/<id>`, `operator/<id>`, `admin_key`.' }),
  message: Type.String(),
})
export type ReviewFinding = Static<typeof ReviewFindingSchema>

/** Who may do what. */
export const AccessReviewSchema = Type.Object(
  {
    object: Type.Literal('access_review'),
    at: Type.String({ format: 'date-time' }),
    days: Type.Integer({ minimum: 1, description: 'Days whose actions are counted.' }),
    operators: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        role: Type.String(),
        state: Type.String(),
        created_at: Type.String(),
        open_sessions: Type.Integer({ minimum: 0 }),
        last_session_at: textOrNull,
        actions: Type.Integer({ minimum: 0, description: 'Entries of the audit in these days.' }),
      }),
    ),
    other_actors: Type.Array(Type.Object({ actor: Type.String(), actions: Type.Integer({ minimum: 0 }) }), {
      description: 'Those who are no operators: the admin key, the command line, Headgate itself.',
    }),
    keys: Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        project: Type.String(),
        kind: Type.String(),
        tier: Type.String(),
        state: Type.String(),
        created_at: Type.String(),
        expires_at: textOrNull,
        last_used_at: textOrNull,
      }),
    ),
    findings: Type.Array(ReviewFindingSchema),
  },
  { title: 'AccessReview' },
)
export type AccessReview = Static<typeof AccessReviewSchema>
