import type { AuditEntry as PresentedEntry } from '@headgate/contract/audit.ts'
import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { auditRoutes } from './audit.routes.ts'
import { type AuditRow, insertEntry, nextSeq, readEntries } from './audit.store.ts'

const DEFAULT_PAGE = 20
/** Stands for "no project" in the table: only the house's own scope sees such rows. */
const NO_PROJECT = '*'

/** What is recorded of a change. Never a secret, a prompt or an answer: an entry cannot be taken back. */
export interface AuditEntry {
  /** Who: `admin`, `cli`, … */
  readonly actor: string
  /** What: `key.created`, in the past tense. */
  readonly action: string
  /** On what: `key/<id>`. */
  readonly resource: string
  readonly project?: string
  readonly before?: object
  readonly after?: object
  readonly requestId?: string
  readonly reason?: string
}

export interface Audit {
  /** Writes an entry in the transaction of the change it records: no entry, no change. */
  readonly record: (transaction: Transaction, entry: AuditEntry) => Promise<void>
  /** Entries, the newest first. */
  readonly list: (query: PageQuery) => Promise<Page<PresentedEntry>>
}

const present = ({ seq, at, project_id, ...rest }: AuditRow): PresentedEntry => ({
  object: 'audit_entry',
  seq: seq.toString(),
  at: at.toISOString(),
  project: project_id === NO_PROJECT ? null : project_id,
  ...rest,
})

/** Builds the append-only record of what operators did. */
export const createAudit = ({
  database,
  clock,
}: {
  readonly database: Database
  readonly clock: Clock
}): Audit & Feature => {
  const list: Audit['list'] = async (query) => {
    const limit = Number(query.limit ?? DEFAULT_PAGE)
    const after = query.after === undefined ? null : BigInt(query.after)
    const rows = await readEntries(database, { project: query.project ?? null, after, limit: limit + 1 })
    return pageOf(rows, limit, (row) => row.seq.toString(), present)
  }
  return {
    name: 'audit',
    routes: auditRoutes(list),
    list,
    record: async (transaction, entry) => {
      await insertEntry(transaction, {
        seq: await nextSeq(transaction),
        at: new Date(clock.now()),
        actor: entry.actor,
        action: entry.action,
        resource: entry.resource,
        project_id: entry.project ?? NO_PROJECT,
        before: entry.before ?? null,
        after: entry.after ?? null,
        request_id: entry.requestId ?? null,
        reason: entry.reason ?? null,
      })
    },
  }
}
