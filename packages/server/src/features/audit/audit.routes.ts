import {
  type AccessReview,
  AccessReviewSchema,
  type AuditCheckpoint,
  AuditCheckpointPageSchema,
  AuditCheckpointSchema,
  type AuditConsistency,
  AuditConsistencyQuerySchema,
  AuditConsistencySchema,
  AuditExportSchema,
  type AuditKey,
  AuditKeyListSchema,
  AuditKeySchema,
  AuditPageSchema,
  AuditProofPathSchema,
  AuditProofQuerySchema,
  AuditProofSchema,
  AuditReviewQuerySchema,
  CheckpointQuerySchema,
} from '@headgate/contract/audit.ts'
import { type Page, type PageQuery, ProjectPageQuerySchema } from '@headgate/contract/keys.ts'
import { AppError } from '../../kernel/errors.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Actor } from './audit.ports.ts'

interface AuditRoutePorts {
  readonly list: (query: PageQuery) => Promise<Page<unknown>>
  readonly keys: () => Promise<AuditKey[]>
  readonly rotateKey: (by: Actor) => Promise<AuditKey>
  readonly checkpoint: () => Promise<AuditCheckpoint | null>
  readonly checkpoints: (query: PageQuery) => Promise<Page<AuditCheckpoint>>
  readonly prove: (seq: bigint, size?: bigint) => Promise<string>
  readonly consistency: (from: bigint, to: bigint) => Promise<AuditConsistency>
  readonly export: (by: Actor) => Promise<AsyncIterable<Buffer>>
  readonly review: (days: number) => Promise<AccessReview>
}

const usualDays = '90'
const by = ({ actor, requestId }: AdminInput): Actor => ({ actor, requestId })
const number = /^[1-9]\d{0,17}$/

/** The operator's view of the audit, and what proves it to others. */
export const auditRoutes = (ports: AuditRoutePorts): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Lists what operators did, the newest first.',
    query: ProjectPageQuerySchema,
    reference: { operationId: 'listAuditEntries', tag: 'Audit', answer: AuditPageSchema },
    handle: async (input) => ({ kind: 'json', value: await ports.list(input.query) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/export',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Gives all entries as JSON Lines, for the offline verifier.',
    answersFile: true,
    reference: {
      operationId: 'exportAudit',
      tag: 'Audit',
      description:
        'Each line is the canonical JSON (RFC 8785) of an entry. SHA-256 over a zero byte and the line, without its end, is the leaf of the Merkle tree (RFC 6962) and the `prev_hash` of the next line. The last entry says that this export was made.',
      answer: AuditExportSchema,
      contentType: 'application/jsonl',
    },
    handle: async (input) => ({
      kind: 'file',
      contentType: 'application/jsonl',
      pieces: await ports.export(by(input)),
      headers: { 'content-disposition': 'attachment; filename="audit.jsonl"' },
      release: () => {},
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/checkpoints',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Lists signed checkpoints of the audit, the largest first.',
    query: CheckpointQuerySchema,
    reference: { operationId: 'listAuditCheckpoints', tag: 'Audit', answer: AuditCheckpointPageSchema },
    handle: async (input) => ({ kind: 'json', value: await ports.checkpoints(input.query) }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/audit/checkpoints',
    access: 'admin',
    permission: 'audit:write',
    summary: 'Signs the audit as it stands now, copies the checkpoint out, and gives the newest one.',
    reference: {
      operationId: 'makeAuditCheckpoint',
      tag: 'Audit',
      description: 'New entries are looked through first. Where nothing was added, the last checkpoint comes back.',
      answer: AuditCheckpointSchema,
      errors: ['audit_broken', 'resource_not_found'],
    },
    handle: async () => {
      const made = await ports.checkpoint()
      if (made === null) throw new AppError('resource_not_found', { detail: 'There is no entry yet.' })
      return { kind: 'json', value: made }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/proofs/:seq',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Proves that an entry is in the audit.',
    query: AuditProofQuerySchema,
    reference: {
      operationId: 'proveAuditEntry',
      tag: 'Audit',
      description:
        'A `tlog-proof` (c2sp.org/tlog-proof): index, audit path and checkpoint, with the entry itself as extra data. Under the first checkpoint that covers it, unless `size` names another.',
      params: AuditProofPathSchema,
      answer: AuditProofSchema,
      contentType: 'text/plain',
      errors: ['audit_broken', 'resource_not_found'],
    },
    handle: async ({ params, query }) => {
      const seq = params['seq'] ?? ''
      if (!number.test(seq)) throw new AppError('resource_not_found', { detail: 'There is no such entry.' })
      const size = query['size'] === undefined ? undefined : BigInt(query['size'] as string)
      return { kind: 'bytes', contentType: 'text/plain', bytes: await ports.prove(BigInt(seq), size) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/consistency',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Proves that one checkpoint is the beginning of another.',
    query: AuditConsistencyQuerySchema,
    reference: {
      operationId: 'proveAuditConsistency',
      tag: 'Audit',
      description: 'A consistency proof of RFC 6962, 2.1.2, from the smaller checkpoint to the larger one.',
      answer: AuditConsistencySchema,
      errors: ['audit_broken', 'resource_not_found'],
    },
    handle: async ({ query }) => ({
      kind: 'json',
      value: await ports.consistency(BigInt(query['from'] as string), BigInt(query['to'] as string)),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/keys',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Gives the public keys under which checkpoints were signed, the newest first.',
    reference: { operationId: 'listAuditKeys', tag: 'Audit', answer: AuditKeyListSchema },
    handle: async () => ({ kind: 'json', value: { object: 'list', data: await ports.keys() } }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/audit/keys',
    access: 'admin',
    permission: 'audit:write',
    summary: 'Makes a new key that signs checkpoints from now on.',
    reference: {
      operationId: 'makeAuditKey',
      tag: 'Audit',
      description: 'Former keys stay valid for what they have signed. The new public key stands in the audit.',
      answer: AuditKeySchema,
      status: 201,
    },
    handle: async (input) => ({ kind: 'json', status: 201, value: await ports.rotateKey(by(input)) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit/review',
    access: 'admin',
    permission: 'operators:read',
    summary: 'Reviews who may do what: operators, sessions, keys, what they did, and what should be looked at.',
    query: AuditReviewQuerySchema,
    reference: { operationId: 'reviewAccess', tag: 'Audit', answer: AccessReviewSchema },
    handle: async ({ query }) => ({
      kind: 'json',
      value: await ports.review(Number((query['days'] as string | undefined) ?? usualDays)),
    }),
  }),
]
