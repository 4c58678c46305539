import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import type { AuditCheckpoint, AuditConsistency, AuditKey } from '@headgate/contract/audit.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { Audit } from './audit.ts'
import type { AccessLists, Actor, Ask, AuditSettings, SealPort } from './audit.ports.ts'
import { auditRoutes } from './audit.routes.ts'
import { takeHead } from './chain.ts'
import { AuditBroken, createCheckpoints, wholeNote } from './checkpoints.ts'
import { type CheckpointRow, type KeyRow, listCheckpoints, listKeys } from './checkpoints.store.ts'
import { createCopies } from './copies.ts'
import { exportEntries } from './export.ts'
import { printKey } from './note.ts'
import { createProofs } from './proofs.ts'
import { createSigningKeys, noteKeyOf } from './signing-keys.ts'
import { createUpkeep } from './upkeep.ts'
import { type FoundCheckpoint, type Verification, verifyAudit } from './verify.ts'

const DEFAULT_PAGE = 20

export interface TransparencyOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly seal: SealPort
  readonly audit: Audit
  readonly settings: () => AuditSettings
  readonly ask: Ask
  readonly access: () => Promise<AccessLists>
  /** Whether this process signs and copies by itself: one of those that share a machine does. */
  readonly isSigner: boolean
}

/** What makes the audit provable to others: signed checkpoints, copies, proofs, and its export. */
export interface Transparency extends Feature {
  /** The keys that have signed, the newest first; the first is made here. */
  readonly keys: () => Promise<AuditKey[]>
  readonly rotateKey: (by: Actor) => Promise<AuditKey>
  /** Signs what stands, and copies it; the newest checkpoint there is, null where there is no entry. */
  readonly checkpoint: () => Promise<AuditCheckpoint | null>
  readonly checkpoints: (query: PageQuery) => Promise<Page<AuditCheckpoint>>
  readonly prove: (seq: bigint, size?: bigint) => Promise<string>
  readonly consistency: (from: bigint, to: bigint) => Promise<AuditConsistency>
  /** All entries as JSON Lines; that they were exported is the last of them. */
  readonly export: (by: Actor) => Promise<AsyncIterable<Buffer>>
  readonly verify: (outside: readonly FoundCheckpoint[]) => Promise<Verification>
  /** Told of the number of an entry that is being written. */
  readonly written: (seq: bigint) => void
}

const presentKey = (row: KeyRow): AuditKey => ({
  object: 'audit_key',
  version: row.version,
  key: printKey(noteKeyOf(row)),
  created_at: row.created_at.toISOString(),
})
const presentCheckpoint = (row: CheckpointRow): AuditCheckpoint => ({
  object: 'audit_checkpoint',
  size: row.size.toString(),
  root: row.root.toString('hex'),
  note: wholeNote(row),
  created_at: row.created_at.toISOString(),
})

/** Faults in words of the catalogue. */
const told = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    if (cause instanceof AuditBroken)
      throw new AppError('audit_broken', { detail: `The audit was tampered with: ${cause.message}.`, cause })
    throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
  })

/** Builds what signs the audit, copies it out and proves what stands in it. */
export const createTransparency = (options: TransparencyOptions): Transparency => {
  const { database, clock, log, seal, audit, settings, ask, isSigner } = options
  const signingKeys = createSigningKeys({ seal, clock, origin: () => settings().origin })
  const checkpoints = createCheckpoints({ database, clock, keys: signingKeys })
  const copies = createCopies({ database, clock, log, settings, ask })
  const proofs = createProofs(database)
  const upkeep = createUpkeep({ checkpoints, copies, clock, log, settings })

  const page = async (query: PageQuery): Promise<Page<AuditCheckpoint>> => {
    const limit = Number(query.limit ?? DEFAULT_PAGE)
    const before = query.after === undefined ? null : BigInt(query.after)
    const rows = await database.read('system', (read) => listCheckpoints(read, before, limit + 1))
    return pageOf(rows, limit, (row) => row.size.toString(), presentCheckpoint)
  }
  const allKeys = async (): Promise<KeyRow[]> => {
    const rows = await database.read('system', listKeys)
    return rows.length === 0 ? [await checkpoints.newestKey()] : rows
  }
  const recordKey = (by: Actor) => (transaction: Transaction, key: KeyRow) =>
    audit.record(transaction, {
      ...by,
      action: 'audit_key.created',
      resource: `audit_key/${key.version}`,
      after: { key: printKey(noteKeyOf(key)) },
    })
  const self: Omit<Transparency, keyof Feature> = {
    keys: async () => (await told(allKeys())).map(presentKey),
    rotateKey: async (by) => presentKey(await told(checkpoints.rotate(recordKey(by)))),
    checkpoint: async () => {
      await told(checkpoints.make())
      await told(copies.run())
      return (await told(page({ limit: '1' }))).data[0] ?? null
    },
    checkpoints: (query) => told(page(query)),
    prove: (seq, size) => told(proofs.inclusion(seq, size)),
    consistency: async (from, to) => {
      const proven = await told(proofs.consistency(from, to))
      return {
        object: 'audit_consistency',
        from: presentCheckpoint(proven.from),
        to: presentCheckpoint(proven.to),
        proof: proven.proof.map((hash) => hash.toString('base64')),
      }
    },
    export: async (by) => {
      const recorded = database.transaction('system', async (transaction) => {
        const { seq } = await takeHead(transaction, new Date(clock.now()))
        const after = { entries: `${seq}` }
        await audit.record(transaction, { ...by, action: 'audit.exported', resource: 'audit', after })
        return seq + 1n
      })
      return exportEntries(database, await told(recorded))
    },
    verify: async (outside) => verifyAudit(database, outside, await database.read('system', signingKeys.proven)),
    written: isSigner ? upkeep.written : () => {},
  }
  return {
    ...self,
    name: 'audit',
    routes: auditRoutes({
      ...self,
      list: audit.list,
      review: async (days) => audit.review(await options.access(), days),
    }),
    ...(isSigner && { start: upkeep.start, stop: upkeep.stop, health: upkeep.health }),
  }
}
