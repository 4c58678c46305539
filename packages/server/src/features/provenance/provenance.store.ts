import type { Read, Transaction } from '../../kernel/db.ts'

/** A row of headgate.provenance_roots. */
export interface RootRow {
  readonly version: number
  readonly certificate: string
  readonly sealed: Buffer
  readonly created_at: Date
  readonly revoked_at: Date | null
}

/** The newest first, those that were revoked among them. */
export const listRoots = async ({ query }: Read): Promise<RootRow[]> =>
  (await query<RootRow>('SELECT * FROM headgate.provenance_roots ORDER BY version DESC')).rows

/** Held until the transaction ends, so that two replicas do not make two roots at once. */
export const lockRoots = async ({ query }: Transaction): Promise<void> => {
  await query(`SELECT pg_advisory_xact_lock(hashtext('headgate.provenance_roots'))`)
}

export const insertRoot = async ({ execute }: Transaction, row: Omit<RootRow, 'revoked_at'>): Promise<void> => {
  await execute(
    'INSERT INTO headgate.provenance_roots (version, certificate, sealed, created_at) VALUES ($1, $2, $3, $4)',
    [row.version, row.certificate, row.sealed, row.created_at],
  )
}

export const revokeRoot = async ({ execute }: Transaction, version: number, at: Date): Promise<void> => {
  await execute('UPDATE headgate.provenance_roots SET revoked_at = $2 WHERE version = $1', [version, at])
}

/** The version that signs; null where none is made yet. */
export const signingVersion = async ({ query }: Read): Promise<number | null> =>
  (
    await query<{ version: number | null }>(
      'SELECT max(version) AS version FROM headgate.provenance_roots WHERE revoked_at IS NULL',
    )
  ).rows[0]?.version ?? null
