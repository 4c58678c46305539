import type { Read, Transaction } from './db.ts'

/** A row of headgate.encryption_keys; `wrapped` is null once it was destroyed. */
export interface EncryptionKeyRow {
  readonly version: number
  readonly root_id: string
  readonly wrapped: Buffer | null
  readonly created_at: Date
  readonly destroyed_at: Date | null
}

/** A row of headgate.data_keys. */
export interface DataKeyRow {
  readonly project_id: string
  readonly purpose: string
  readonly version: number
  readonly key_version: number
  readonly wrapped: Buffer
  readonly uses: bigint
}

const DATA_KEY = 'project_id, purpose, version, key_version, wrapped, uses'

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
    project: string,
    purpose: string,
    version: number,
  ): Promise<DataKeyRow | undefined> =>
    (
      await query<DataKeyRow>(
        `SELECT ${DATA_KEY} FROM headgate.data_keys WHERE project_id = $1 AND purpose = $2 AND version = $3`,
        [project, purpose, version],
      )
    ).rows[0],

  /** The newest data key of a project and purpose, with this use counted. */
  useDataKey: async ({ query }: Transaction, project: string, purpose: string): Promise<DataKeyRow | undefined> =>
    (
      await query<DataKeyRow>(
        `UPDATE headgate.data_keys SET uses = uses + 1
         WHERE project_id = $1 AND purpose = $2
           AND version = (SELECT max(version) FROM headgate.data_keys WHERE project_id = $1 AND purpose = $2)
         RETURNING ${DATA_KEY}`,
        [project, purpose],
      )
    ).rows[0],

  /** Does nothing when another transaction made that version first. */
  insertDataKey: async ({ execute }: Transaction, row: Omit<DataKeyRow, 'uses'>): Promise<void> => {
    await execute(
      `INSERT INTO headgate.data_keys (project_id, purpose, version, key_version, wrapped, created_at)
       VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT DO NOTHING`,
      [row.project_id, row.purpose, row.version, row.key_version, row.wrapped],
    )
  },

  /** Data keys that an older version wraps, locked. */
  outdatedDataKeys: async ({ query }: Transaction, before: number, limit: number): Promise<DataKeyRow[]> =>
    (
      await query<DataKeyRow>(
        `SELECT ${DATA_KEY} FROM headgate.data_keys WHERE key_version < $1
         ORDER BY project_id, purpose, version LIMIT $2 FOR UPDATE`,
        [before, limit],
      )
    ).rows,

  rewrapDataKey: async ({ execute }: Transaction, row: Omit<DataKeyRow, 'uses'>): Promise<void> => {
    await execute(
      `UPDATE headgate.data_keys SET key_version = $4, wrapped = $5
       WHERE project_id = $1 AND purpose = $2 AND version = $3`,
      [row.project_id, row.purpose, row.version, row.key_version, row.wrapped],
    )
  },

  /** Waits for whoever is wrapping with a version before this one. */
  lockEncryptionKeysBefore: async ({ query }: Transaction, version: number): Promise<void> => {
    await query('SELECT version FROM headgate.encryption_keys WHERE version < $1 ORDER BY version FOR UPDATE', [
      version,
    ])
  },

  /** Destroys the versions before this one that wrap nothing any more; returns them. */
  destroyUnusedBefore: async ({ query }: Transaction, version: number): Promise<number[]> =>
    (
      await query<{ version: number }>(
        `UPDATE headgate.encryption_keys k SET wrapped = NULL, destroyed_at = now()
         WHERE k.version < $1 AND k.wrapped IS NOT NULL
           AND NOT EXISTS (SELECT FROM headgate.data_keys d WHERE d.key_version = k.version)
         RETURNING k.version`,
        [version],
      )
    ).rows.map((row) => row.version),
}
