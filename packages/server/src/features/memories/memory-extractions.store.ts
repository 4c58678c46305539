import type { ExtractionState } from '@headgate/contract/memory-proposals.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { MemoryOwner } from './memories.ports.ts'
import type { Digests } from './memory-owner.ts'

/** A row of headgate.memory_extractions. */
export interface ExtractionRow {
  readonly project_id: string
  readonly extraction_id: string
  readonly subject: string
  readonly key_id: string
  readonly session_id: string
  readonly scope: string
  readonly state: ExtractionState
  readonly attempts: number
  readonly proposed: number
  readonly known: number
  readonly fault: string | null
  readonly created_at: Date
  readonly ended_at: Date | null
}

const columns = `project_id, extraction_id, subject, key_id, session_id, scope, state, attempts, proposed, known, fault,
  created_at, ended_at`
/** Whoever works on one has this long before another process takes it up. */
const HOLD_MINUTES = 5
/** Ended ones, and refusals, are told and heeded for so long. */
const KEEP_DAYS = 7
const HEED_DAYS = 365
const AT_ONCE = 500
/** Most that wait for one owner. */
const MOST_WAITING = 100

/** What is to be learned from sessions, and what is not to be proposed again. */
export const createExtractionStore = (database: Database, digests: Digests) => ({
  /** Notes one; the one that is under way for the session where there is one. @throws AppError `memory_quota_exceeded` */
  begin: (
    owner: MemoryOwner,
    asked: { readonly id: string; readonly keyId: string; readonly sessionId: string; readonly scope: string },
    hold: (transaction: Transaction) => Promise<void>,
  ): Promise<ExtractionRow> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      await hold(transaction)
      const { rows: waiting } = await transaction.query<ExtractionRow>(
        `SELECT ${columns} FROM headgate.memory_extractions WHERE project_id = $1 AND subject = $2 AND ended_at IS NULL`,
        [owner.project, owner.subject],
      )
      const standing = waiting.find(({ session_id: session }) => session === asked.sessionId)
      if (standing !== undefined) return standing
      if (waiting.length >= MOST_WAITING)
        throw new AppError('memory_quota_exceeded', { params: { limit: MOST_WAITING } })
      const { rows } = await transaction.query<ExtractionRow>(
        `INSERT INTO headgate.memory_extractions (project_id, extraction_id, subject, key_id, session_id, scope, state)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued') RETURNING ${columns}`,
        [owner.project, asked.id, owner.subject, asked.keyId, asked.sessionId, asked.scope],
      )
      return rows[0] as ExtractionRow
    }),

  /** @throws AppError `memory_extraction_not_found` */
  get: (owner: MemoryOwner, id: string): Promise<ExtractionRow> =>
    database.read({ project: owner.project }, async ({ query }) => {
      const { rows } = await query<ExtractionRow>(
        `SELECT ${columns} FROM headgate.memory_extractions WHERE project_id = $1 AND extraction_id = $2 AND subject = $3`,
        [owner.project, id, owner.subject],
      )
      if (rows[0] === undefined) throw new AppError('memory_extraction_not_found')
      return rows[0]
    }),

  /** The next one that nobody works on, held for a while; null where there is none. */
  take: (): Promise<ExtractionRow | null> =>
    database.transaction('system', async ({ query }) => {
      const { rows } = await query<ExtractionRow>(
        `UPDATE headgate.memory_extractions
            SET state = 'running', attempts = attempts + 1, held_until = now() + make_interval(mins => ${HOLD_MINUTES})
          WHERE (project_id, extraction_id) = (
            SELECT project_id, extraction_id FROM headgate.memory_extractions WHERE ended_at IS NULL AND held_until <= now()
             ORDER BY held_until LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING ${columns}`,
      )
      return rows[0] ?? null
    }),

  /**
   * Whether it is still to be worked on by who took it, until the transaction ends: not where another process has it by now, nor where its
   * person was erased meanwhile.
   */
  isHeld: async (
    { query }: Transaction,
    { project_id: project, extraction_id: id, attempts }: ExtractionRow,
  ): Promise<boolean> => {
    const { rows } = await query(
      `SELECT FROM headgate.memory_extractions
        WHERE project_id = $1 AND extraction_id = $2 AND attempts = $3 AND ended_at IS NULL FOR UPDATE`,
      [project, id, attempts],
    )
    return rows.length > 0
  },

  /** Writes down how one ended; nothing where another process has it by now. */
  end: (
    { project_id: project, extraction_id: id, attempts }: ExtractionRow,
    { proposed, known, fault }: { readonly proposed: number; readonly known: number; readonly fault: string | null },
  ): Promise<void> =>
    database.transaction({ project }, async ({ execute }) => {
      await execute(
        `UPDATE headgate.memory_extractions SET state = $3, proposed = $4, known = $5, fault = $6, ended_at = now()
          WHERE project_id = $1 AND extraction_id = $2 AND attempts = $7 AND ended_at IS NULL`,
        [project, id, fault === null ? 'completed' : 'failed', proposed, known, fault, attempts],
      )
    }),

  reject: async ({ execute }: Transaction, owner: MemoryOwner, text: string): Promise<void> => {
    await execute(
      `INSERT INTO headgate.memory_rejections (project_id, subject, digest) VALUES ($1, $2, $3)
       ON CONFLICT (project_id, subject, digest) DO UPDATE SET rejected_at = now()`,
      [owner.project, owner.subject, digests.text(owner, text)],
    )
  },

  wasRejected: async ({ query }: Read, owner: MemoryOwner, text: string): Promise<boolean> => {
    const { rows } = await query(
      'SELECT FROM headgate.memory_rejections WHERE project_id = $1 AND subject = $2 AND digest = $3',
      [owner.project, owner.subject, digests.text(owner, text)],
    )
    return rows.length > 0
  },

  /** Forgets what is old, some at once; resolves to how many. */
  forget: async ({ execute }: Transaction): Promise<number> =>
    (await execute(
      `DELETE FROM headgate.memory_extractions WHERE (project_id, extraction_id) IN (
         SELECT project_id, extraction_id FROM headgate.memory_extractions
          WHERE ended_at < now() - make_interval(days => ${KEEP_DAYS})
            AND NOT headgate.is_held(project_id, subject) LIMIT ${AT_ONCE})`,
    )) +
    (await execute(
      `DELETE FROM headgate.memory_rejections WHERE (project_id, subject, digest) IN (
         SELECT project_id, subject, digest FROM headgate.memory_rejections
          WHERE rejected_at < now() - make_interval(days => ${HEED_DAYS})
            AND NOT headgate.is_held(project_id, subject) LIMIT ${AT_ONCE})`,
    )),
})
export type ExtractionStore = ReturnType<typeof createExtractionStore>
