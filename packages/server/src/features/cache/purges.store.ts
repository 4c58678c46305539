import type { Database, Transaction } from '../../kernel/db.ts'
import type { Selection } from './cache.ports.ts'

/** Longer than any answer is kept in a memory that has not heard of a purge. */
const KEPT_DAYS = 1

/** What was to be forgotten, for the processes that keep answers in memory. */
export const createPurgeStore = (database: Database) => ({
  add: async ({ execute }: Transaction, { project, keyId, subject }: Selection): Promise<void> => {
    await execute(`DELETE FROM headgate.cache_purges WHERE at < now() - make_interval(days => $1)`, [KEPT_DAYS])
    await execute(`INSERT INTO headgate.cache_purges (project, key_id, subject) VALUES ($1, $2, $3)`, [
      project,
      keyId,
      subject,
    ])
  },
  after: (id: bigint): Promise<readonly (Selection & { readonly id: bigint })[]> =>
    database
      .read('system', ({ query }) =>
        query<{ id: bigint; project: string | null; keyId: string | null; subject: string | null }>(
          `SELECT id, project, key_id AS "keyId", subject FROM headgate.cache_purges WHERE id > $1 ORDER BY id`,
          [id],
        ),
      )
      .then(({ rows }) => rows),
  newest: (): Promise<bigint> =>
    database
      .read('system', ({ query }) =>
        query<{ id: bigint }>(`SELECT coalesce(max(id), 0)::bigint AS id FROM headgate.cache_purges`),
      )
      .then(({ rows }) => rows[0]?.id ?? 0n),
})
