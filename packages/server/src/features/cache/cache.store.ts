import type { Database } from '../../kernel/db.ts'
import { type CacheStore, HELD_MS } from './cache.ports.ts'

const FORGOTTEN_AT_ONCE = 1_000

/** Answers in PostgreSQL, sealed before they come here. Times are the database's. */
export const createPostgresCache = (database: Database): CacheStore => ({
  reach: 'replicas',
  read: ({ project, lookup }) =>
    database
      .read({ project }, ({ query }) =>
        query<{ sealed: Buffer | null }>(
          `SELECT sealed FROM headgate.cached_answers WHERE project_id = $1 AND lookup = $2 AND expires_at > now()`,
          [project, lookup],
        ),
      )
      .then(({ rows }) => rows[0]?.sealed ?? null),
  claim: ({ project, lookup }, turn, { keyId, subject }) =>
    database.transaction({ project }, async ({ execute }) => {
      const taken = await execute(
        `INSERT INTO headgate.cached_answers AS known (project_id, lookup, key_id, subject, turn, held_until)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
         ON CONFLICT (project_id, lookup) DO UPDATE SET turn = excluded.turn, held_until = excluded.held_until
           WHERE known.held_until IS NULL OR known.held_until < now() OR known.turn = excluded.turn`,
        [project, lookup, keyId, subject, turn, HELD_MS / 1_000],
      )
      return taken > 0
    }),
  keep: ({ project, lookup }, turn, { keyId, subject }, answer, keepMs) =>
    database.transaction({ project }, async ({ execute }) => {
      await execute(
        `UPDATE headgate.cached_answers
            SET turn = NULL, held_until = NULL, sealed = $6, key_id = $4, subject = $5,
                expires_at = now() + make_interval(secs => $7)
          WHERE project_id = $1 AND lookup = $2 AND turn = $3`,
        [project, lookup, turn, keyId, subject, answer, keepMs / 1_000],
      )
    }),
  release: ({ project, lookup }, turn) =>
    database.transaction({ project }, async ({ execute }) => {
      const row = [project, lookup, turn]
      const mine = 'WHERE project_id = $1 AND lookup = $2 AND turn = $3'
      await execute(`DELETE FROM headgate.cached_answers ${mine} AND sealed IS NULL`, row)
      await execute(`UPDATE headgate.cached_answers SET turn = NULL, held_until = NULL ${mine}`, row)
    }),
  purge: ({ project, keyId, subject }) =>
    database.transaction(project === null ? 'system' : { project }, async ({ query }) => {
      const { rows } = await query<{ count: bigint }>(
        `WITH gone AS (
           DELETE FROM headgate.cached_answers
            WHERE ($1::text IS NULL OR project_id = $1) AND ($2::text IS NULL OR key_id = $2)
              AND ($3::text IS NULL OR subject = $3)
           RETURNING sealed)
         SELECT count(sealed) AS count FROM gone`,
        [project, keyId, subject],
      )
      return Number(rows[0]?.count ?? 0)
    }),
  forget: () =>
    database.transaction('system', async ({ execute }) => {
      const gone = await execute(
        `DELETE FROM headgate.cached_answers WHERE (project_id, lookup) IN (
           SELECT project_id, lookup FROM headgate.cached_answers
            WHERE (expires_at IS NULL OR expires_at <= now()) AND (held_until IS NULL OR held_until < now())
            ORDER BY expires_at NULLS FIRST LIMIT $1 FOR UPDATE SKIP LOCKED)`,
        [FORGOTTEN_AT_ONCE],
      )
      return gone === FORGOTTEN_AT_ONCE
    }),
  close: async () => {},
})
