import type { Read, Transaction } from '../../kernel/db.ts'

/** A row of headgate.key_peppers. */
export interface PepperRow {
  readonly generation: number
  readonly created_at: Date
  readonly retired_at: Date | null
}

/** What is followed of the key of operators. */
interface FollowedKey {
  readonly hash: Buffer
  readonly pepper_id: string
  readonly revision: bigint
}

/** A hash that stood under a former pepper, and what takes its place. */
export interface Renewal {
  readonly keyId: string
  readonly from: Buffer
  readonly to: Buffer
}

/** A key that stands under a pepper. */
export interface StandingRow {
  readonly key_id: string
  readonly name: string
  readonly project_id: string
  readonly last_used_at: Date | null
}

/** Hashes of keys that may still be used: a key that ended for good needs no pepper. */
const usable = `headgate.api_key_secrets s JOIN headgate.api_keys k USING (key_id)
  WHERE k.state IN ('pre-activation', 'active', 'suspended') AND (k.expires_at IS NULL OR k.expires_at > now())
    AND (s.expires_at IS NULL OR s.expires_at > now())`

/** The newest first. */
const readPeppers = async ({ query }: Read): Promise<PepperRow[]> =>
  (
    await query<PepperRow>(
      'SELECT generation, created_at, retired_at FROM headgate.key_peppers ORDER BY generation DESC',
    )
  ).rows

/** All that replicas follow beside the keys, in one question. */
const readFollowed = async ({
  query,
}: Read): Promise<{ readonly peppers: PepperRow[]; readonly adminKey: FollowedKey | undefined }> => {
  const { rows } = await query<PepperRow & { [Column in keyof FollowedKey]: FollowedKey[Column] | null }>(
    `SELECT p.generation, p.created_at, p.retired_at, a.hash, a.pepper_id, a.revision
       FROM headgate.key_peppers p LEFT JOIN headgate.admin_keys a ON true ORDER BY p.generation DESC`,
  )
  const { hash, pepper_id: pepper, revision } = rows[0] ?? {}
  return {
    peppers: rows.map(({ generation, created_at, retired_at }) => ({ generation, created_at, retired_at })),
    adminKey: hash && pepper && typeof revision === 'bigint' ? { hash, pepper_id: pepper, revision } : undefined,
  }
}

const insertPepper = async ({ execute }: Transaction, generation: number, at: Date): Promise<void> => {
  await execute('INSERT INTO headgate.key_peppers (generation, created_at) VALUES ($1, $2)', [generation, at])
}

const retirePepper = async ({ execute }: Transaction, generation: number, at: Date): Promise<void> => {
  await execute('UPDATE headgate.key_peppers SET retired_at = $2 WHERE generation = $1', [generation, at])
}

/** How many keys that may still be used stand under each pepper, by its id. */
const countStanding = async ({ query }: Read): Promise<ReadonlyMap<string, number>> => {
  const { rows } = await query<{ pepper_id: string; keys: bigint }>(
    `SELECT s.pepper_id, count(DISTINCT s.key_id) AS keys FROM ${usable} GROUP BY s.pepper_id`,
  )
  return new Map(rows.map(({ pepper_id: id, keys }) => [id, Number(keys)]))
}

/** The keys that stand under a pepper, by their ids. */
const standingKeys = async (
  { query }: Read,
  pepperId: string,
  page: { readonly after: string | null; readonly limit: number },
): Promise<StandingRow[]> =>
  (
    await query<StandingRow>(
      `SELECT DISTINCT k.key_id COLLATE "C" AS key_id, k.name, k.project_id, k.last_used_at FROM ${usable}
          AND s.pepper_id = $1 AND ($2::text IS NULL OR k.key_id > $2 COLLATE "C")
        ORDER BY 1 LIMIT $3`,
      [pepperId, page.after, page.limit],
    )
  ).rows

/** Takes away every hash under a pepper. */
const deleteHashes = async ({ execute }: Transaction, pepperId: string): Promise<number> =>
  execute('DELETE FROM headgate.api_key_secrets WHERE pepper_id = $1', [pepperId])

/** Waits for whoever changes peppers, and keeps others from it until this transaction ends. */
const holdPeppers = async ({ query }: Transaction): Promise<void> => {
  await query('SELECT revision FROM headgate.identity_changes FOR SHARE')
}

/** Puts hashes under another pepper in the place of those they were made from; what was changed meanwhile stays. */
const renewHashes = async ({ execute }: Transaction, renewals: readonly Renewal[], pepperId: string): Promise<number> =>
  execute(
    `UPDATE headgate.api_key_secrets s SET hash = r.renewed, pepper_id = $4
       FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS r (key_id, former, renewed)
      WHERE s.key_id = r.key_id AND s.hash = r.former`,
    [renewals.map(({ keyId }) => keyId), renewals.map(({ from }) => from), renewals.map(({ to }) => to), pepperId],
  )

/** What is asked of the pepper, one function per statement. */
export const pepperStatements = {
  readPeppers,
  readFollowed,
  insertPepper,
  retirePepper,
  countStanding,
  standingKeys,
  deleteHashes,
  holdPeppers,
  renewHashes,
}
