import type { Read, Transaction } from './db.ts'

/** A row of headgate.encryption_keys; `wrapped` is null once it was destroyed. */
export interface EncryptionKeyRow {
  readonly version: number
  readonly root_id: string
  readonly wrapped: Buffer | null
  readonly created_at: Date
  readonly destroyed_at: Date | null
}

/** Whose data key, and what for; the subject is '' for the project's own. */
export interface DataKeyName {
  readonly project_id: string
  readonly purpose: string
  readonly subject: string
}

/** A row of headgate.data_keys. */
export interface DataKeyRow extends DataKeyName {
  readonly version: number
  readonly key_version: number
  readonly wrapped: Buffer
  readonly uses: bigint
}

/** The data keys of a project and purpose. */
interface DataKeyCount extends Omit<DataKeyName, 'subject'> {
  readonly keys: bigint
  readonly people: bigint
  readonly uses: bigint
  readonly created_at: Date
}

/** A data key seals for a year at most: NIST SP 800-57 Part 1 Rev. 5, 5.3.6, allows two; then another version does, by itself. */
const MOST_DAYS = 365
const DATA_KEY = 'project_id, purpose, subject, version, key_version, wrapped, uses'

/** One function per statement. */
export const sealStatements = {
  encryptionKey: async ({ query }: Read, version: number): Promise<EncryptionKeyRow | undefined> =>
    (await query<EncryptionKeyRow>('SELECT * FROM headgate.encryption_keys WHERE version = $1', [version])).rows[0],

  /** Every version with the number of data keys it wraps, the oldest first. */
  encryptionKeys: async ({ query }: Read): Promise<(EncryptionKeyRow & { readonly data_keys: bigint })[]> =>
    (
      await query<EncryptionKeyRow & { readonly data_keys: bigint }>(
        `SELECT k.*, (SELECT count(*) FROM headgate.data_keys d WHERE d.key_version = k.version) AS data_keys
         FROM headgate.encryption_keys k ORDER BY k.version`,
      )
    ).rows,

  /** The newest version, held so that it is not destroyed while a data key is wrapped with it. */
  newestEncryptionKey: async ({ query }: Transaction): Promise<EncryptionKeyRow | undefined> =>
    (await query<EncryptionKeyRow>('SELECT * FROM headgate.encryption_keys ORDER BY version DESC LIMIT 1 FOR SHARE'))
      .rows[0],

  /** False when another transaction made that version first. */
  insertEncryptionKey: async (
    { execute }: Transaction,
    row: { readonly version: number; readonly root_id: string; readonly wrapped: Buffer },
  ): Promise<boolean> =>
    (await execute(
      `INSERT INTO headgate.encryption_keys (version, root_id, wrapped, created_at) VALUES ($1, $2, $3, now())
       ON CONFLICT DO NOTHING`,
      [row.version, row.root_id, row.wrapped],
    )) === 1,

  dataKey: async (
    { query }: Read,
    { project_id: project, purpose, subject }: DataKeyName,
    version: number,
  ): Promise<DataKeyRow | undefined> =>
    (
      await query<DataKeyRow>(
        `SELECT ${DATA_KEY} FROM headgate.data_keys
          WHERE project_id = $1 AND purpose = $2 AND subject = $3 AND version = $4`,
        [project, purpose, subject, version],
      )
    ).rows[0],

  /** The newest data key of a name, with this use counted; whether it is older than a data key may get. */
  useDataKey: async (
    { query }: Transaction,
    { project_id: project, purpose, subject }: DataKeyName,
  ): Promise<(DataKeyRow & { readonly is_old: boolean }) | undefined> =>
    (
      await query<DataKeyRow & { readonly is_old: boolean }>(
        `UPDATE headgate.data_keys SET uses = uses + 1
         WHERE project_id = $1 AND purpose = $2 AND subject = $3
           AND version = (SELECT max(version) FROM headgate.data_keys
                           WHERE project_id = $1 AND purpose = $2 AND subject = $3)
         RETURNING ${DATA_KEY}, created_at < now() - make_interval(days => $4) AS is_old`,
        [project, purpose, subject, MOST_DAYS],
      )
    ).rows[0],

  /** Does nothing when another transaction made that version first. */
  insertDataKey: async ({ execute }: Transaction, row: Omit<DataKeyRow, 'uses'>): Promise<void> => {
    await execute(
      `INSERT INTO headgate.data_keys (project_id, purpose, subject, version, key_version, wrapped, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING`,
      [row.project_id, row.purpose, row.subject, row.version, row.key_version, row.wrapped],
    )
  },

  /** False where another process rewraps; held until the transaction ends. */
  takeRewrapTurn: async ({ query }: Transaction): Promise<boolean> =>
    (
      await query<{ taken: boolean }>(
        `SELECT pg_try_advisory_xact_lock(hashtextextended('headgate/rewrap', 0)) AS taken`,
      )
    ).rows[0]?.taken === true,

  /** Whether a former version wraps a data key. */
  hasOutdatedDataKey: async ({ query }: Read): Promise<boolean> =>
    (
      await query(
        `SELECT 1 FROM headgate.data_keys
          WHERE key_version < (SELECT max(version) FROM headgate.encryption_keys) LIMIT 1`,
      )
    ).rows.length > 0,

  /** Data keys that an older version wraps, locked; those in use are left out. */
  outdatedDataKeys: async ({ query }: Transaction, before: number, limit: number): Promise<DataKeyRow[]> =>
    (
      await query<DataKeyRow>(
        `SELECT ${DATA_KEY} FROM headgate.data_keys WHERE key_version < $1
         ORDER BY project_id, purpose, subject, version LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [before, limit],
      )
    ).rows,

  rewrapDataKey: async ({ execute }: Transaction, row: Omit<DataKeyRow, 'uses'>): Promise<void> => {
    await execute(
      `UPDATE headgate.data_keys SET key_version = $5, wrapped = $6
       WHERE project_id = $1 AND purpose = $2 AND subject = $3 AND version = $4`,
      [row.project_id, row.purpose, row.subject, row.version, row.key_version, row.wrapped],
    )
  },

  /** Data keys by project and purpose: how many, the age of the newest version of each, and what was sealed with them. */
  dataKeyCounts: async ({ query }: Read): Promise<DataKeyCount[]> =>
    (
      await query<DataKeyCount>(
        `SELECT project_id, purpose, count(*) AS keys, count(*) FILTER (WHERE subject <> '') AS people,
                sum(uses)::bigint AS uses, min(newest_at) AS created_at
           FROM (SELECT project_id, purpose, subject, sum(uses) AS uses, max(created_at) AS newest_at
                   FROM headgate.data_keys GROUP BY project_id, purpose, subject) named
          GROUP BY project_id, purpose`,
      )
    ).rows,

  /** Waits for whoever is wrapping with a version up to this one; resolves to the newest version. */
  lockEncryptionKeysTo: async ({ query }: Transaction, version: number): Promise<number> => {
    await query('SELECT version FROM headgate.encryption_keys WHERE version <= $1 ORDER BY version FOR UPDATE', [
      version,
    ])
    const { rows } = await query<{ newest: number | null }>(
      'SELECT max(version) AS newest FROM headgate.encryption_keys',
    )
    return rows[0]?.newest ?? 0
  },

  /** Destroys a version that was found to wrap nothing. */
  destroyUnused: async ({ execute }: Transaction, version: number): Promise<void> => {
    await execute('UPDATE headgate.encryption_keys SET wrapped = NULL, destroyed_at = now() WHERE version = $1', [
      version,
    ])
  },
}
