import type { Read, Transaction } from '../../kernel/db.ts'
import type { HashReader } from './merkle.ts'

/** A row of headgate.audit_keys. */
export interface KeyRow {
  readonly version: number
  readonly name: string
  readonly public_key: Buffer
  readonly sealed: Buffer
  readonly created_at: Date
}

/** A row of headgate.audit_checkpoints, with the lines of its witnesses. */
export interface CheckpointRow {
  readonly size: bigint
  readonly root: Buffer
  readonly note: string
  readonly created_at: Date
  readonly cosignatures: readonly string[]
}

/** A complete subtree of 256^`level` leaves. */
export interface SubtreeRow {
  readonly level: number
  readonly index: number
  readonly hash: Buffer
}

/** The newest first. */
export const listKeys = async ({ query }: Read): Promise<KeyRow[]> =>
  (await query<KeyRow>('SELECT * FROM headgate.audit_keys ORDER BY version DESC')).rows

export const insertKey = async ({ execute }: Transaction, row: KeyRow): Promise<void> => {
  await execute(
    'INSERT INTO headgate.audit_keys (version, name, public_key, sealed, created_at) VALUES ($1, $2, $3, $4, $5)',
    [row.version, row.name, row.public_key, row.sealed, row.created_at],
  )
}

/** Held until the transaction ends: one replica at a time makes keys and checkpoints. */
export const lockCheckpoints = async ({ query }: Transaction): Promise<void> => {
  await query(`SELECT pg_advisory_xact_lock(hashtext('headgate.audit_checkpoints'))`)
}

const checkpoints = `
  SELECT c.*, coalesce((SELECT array_agg(s.line ORDER BY s.witness) FROM headgate.audit_cosignatures s
                         WHERE s.size = c.size), '{}') AS cosignatures
    FROM headgate.audit_checkpoints c`

/** The newest first; those below `before`, where it is given. */
export const listCheckpoints = async (
  { query }: Read,
  before: bigint | null,
  limit: number,
): Promise<CheckpointRow[]> =>
  (
    await query<CheckpointRow>(
      `${checkpoints} WHERE ($1::bigint IS NULL OR c.size < $1) ORDER BY c.size DESC LIMIT $2`,
      [before, limit],
    )
  ).rows

/** Those above `after`, in order. */
export const checkpointsAfter = async ({ query }: Read, after: bigint, limit: number): Promise<CheckpointRow[]> =>
  (await query<CheckpointRow>(`${checkpoints} WHERE c.size > $1 ORDER BY c.size LIMIT $2`, [after, limit])).rows

/** The checkpoint of exactly this size. */
export const checkpointAt = async ({ query }: Read, size: bigint): Promise<CheckpointRow | undefined> =>
  (await query<CheckpointRow>(`${checkpoints} WHERE c.size = $1`, [size])).rows[0]

export const insertCheckpoint = async (
  { execute }: Transaction,
  row: Omit<CheckpointRow, 'cosignatures'>,
): Promise<void> => {
  await execute('INSERT INTO headgate.audit_checkpoints (size, root, note, created_at) VALUES ($1, $2, $3, $4)', [
    row.size,
    row.root,
    row.note,
    row.created_at,
  ])
}

export const insertSubtree = async ({ execute }: Transaction, { level, index, hash }: SubtreeRow): Promise<void> => {
  await execute('INSERT INTO headgate.audit_subtrees (level, index, hash) VALUES ($1, $2, $3)', [level, index, hash])
}

/** Reads the tree as it is stored: leaves are the hashes of entries. */
export const storedHashes =
  ({ query }: Read): HashReader =>
  async (level, from, count) =>
    (level === 0
      ? await query<{ hash: Buffer }>(
          'SELECT hash FROM headgate.audit_entries WHERE seq > $1 AND seq <= $2 ORDER BY seq',
          [from, from + count],
        )
      : await query<{ hash: Buffer }>(
          'SELECT hash FROM headgate.audit_subtrees WHERE level = $1 AND index >= $2 AND index < $3 ORDER BY index',
          [level, from, from + count],
        )
    ).rows.map(({ hash }) => hash)

/** Keeps what a witness says; the first word counts. */
export const insertCosignature = async (
  { execute }: Transaction,
  row: { readonly size: bigint; readonly witness: string; readonly line: string; readonly at: Date },
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.audit_cosignatures (size, witness, line, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [row.size, row.witness, row.line, row.at],
  )
}

/** How far a place has its copies; 0 where it has none. */
export const copiedTo = async ({ query }: Read, destination: string): Promise<bigint> =>
  (await query<{ size: bigint }>('SELECT size FROM headgate.audit_copies WHERE destination = $1', [destination]))
    .rows[0]?.size ?? 0n

/** Notes how far a place has its copies now, and what went wrong. */
export const noteCopy = async (
  { execute }: Transaction,
  row: { readonly destination: string; readonly size: bigint; readonly at: Date; readonly failure: string | null },
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.audit_copies (destination, size, copied_at, failure, failed_at)
     VALUES ($1, $2, CASE WHEN $4::text IS NULL THEN $3::timestamptz END, $4, CASE WHEN $4::text IS NOT NULL THEN $3::timestamptz END)
     ON CONFLICT (destination) DO UPDATE SET
       size = greatest(audit_copies.size, excluded.size), copied_at = coalesce(excluded.copied_at, audit_copies.copied_at),
       failure = excluded.failure, failed_at = excluded.failed_at`,
    [row.destination, row.size, row.at, row.failure],
  )
}
