import { canonicalJson, type Json } from './canonical.ts'
import type { AuditRow } from './audit.store.ts'
import { hashBytes, leafHash } from './merkle.ts'

/** Stands for "no project" in the table: only the house's own scope sees such rows. */
export const noProject = '*'
/** What stands before the first entry. */
export const genesis: Buffer = Buffer.alloc(hashBytes)

/** What an entry holds besides its place in the chain. */
export type AuditContent = Omit<AuditRow, 'prev_hash' | 'hash'>

const well = (text: string | null): string | null => text?.toWellFormed() ?? null
/** As PostgreSQL gives a document back: only what JSON holds. */
const document = (value: object | null): Json => (value === null ? null : (JSON.parse(JSON.stringify(value)) as Json))

/** The members of an entry, as they are exported and hashed. */
export const leafOf = (row: AuditContent, previous: Buffer): Readonly<Record<string, Json>> => ({
  seq: row.seq.toString(),
  at: row.at.toISOString(),
  actor: well(row.actor),
  action: well(row.action),
  resource: well(row.resource),
  project: row.project_id === noProject ? null : well(row.project_id),
  before: document(row.before),
  after: document(row.after),
  request_id: well(row.request_id),
  reason: well(row.reason),
  prev_hash: previous.toString('hex'),
})

/**
 * Hash of an entry after the one with the hash `previous`: the leaf hash (RFC 6962, 2.1) of its canonical JSON. It is the link of the
 * chain and the leaf of the tree at once.
 */
export const hashOf = (row: AuditContent, previous: Buffer): Buffer =>
  leafHash(Buffer.from(canonicalJson(leafOf(row, previous))))
