import type { AccessReview, AuditEntry as PresentedEntry } from '@headgate/contract/audit.ts'
import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { AccessLists } from './audit.ports.ts'
import { type AuditRow, countActions, readEntries } from './audit.store.ts'
import { appendEntry } from './chain.ts'
import { noProject } from './leaf.ts'
import { reviewAccess } from './review.ts'

const DEFAULT_PAGE = 20
const DAY_MS = 86_400_000

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

/** The record of what operators did. */
export interface Audit {
  /** Writes an entry in the transaction of the change it records: no entry, no change. Best last: others who audit wait for its end. */
  readonly record: (transaction: Transaction, entry: AuditEntry) => Promise<void>
  /** Entries, the newest first. */
  readonly list: (query: PageQuery) => Promise<Page<PresentedEntry>>
  /** Who may do what, and who did something in the last `days`. */
  readonly review: (lists: AccessLists, days: number) => Promise<AccessReview>
}

const present = ({ seq, at, project_id, prev_hash, hash, ...rest }: AuditRow): PresentedEntry => ({
  object: 'audit_entry',
  seq: seq.toString(),
  at: at.toISOString(),
  project: project_id === noProject ? null : project_id,
  ...rest,
  prev_hash: prev_hash?.toString('hex') ?? null,
  hash: hash?.toString('hex') ?? null,
})

/** Builds the append-only record: a chain of entries. `written` is told of each number. */
export const createAudit = ({
  database,
  clock,
  written = () => {},
}: {
  readonly database: Database
  readonly clock: Clock
  readonly written?: (seq: bigint) => void
}): Audit => ({
  list: async (query) => {
    const limit = Number(query.limit ?? DEFAULT_PAGE)
    const after = query.after === undefined ? null : BigInt(query.after)
    const rows = await readEntries(database, { project: query.project ?? null, after, limit: limit + 1 })
    return pageOf(rows, limit, (row) => row.seq.toString(), present)
  },
  review: async (lists, days) => {
    const now = clock.now()
    const actions = await countActions(database, new Date(now - days * DAY_MS))
    return reviewAccess(lists, actions, { now, days })
  },
  record: async (transaction, entry) => {
    written(
      await appendEntry(transaction, {
        at: new Date(clock.now()),
        actor: entry.actor,
        action: entry.action,
        resource: entry.resource,
        project_id: entry.project ?? noProject,
        before: entry.before ?? null,
        after: entry.after ?? null,
        request_id: entry.requestId ?? null,
        reason: entry.reason ?? null,
      }),
    )
  },
})
