import type { Read, Transaction } from '../../kernel/db.ts'

/** A row of headgate.provenance_roots. */
export interface RootRow {
  readonly version: number
  readonly certificate: string
  readonly sealed: Buffer
  readonly created_at: Date
}

/** The newest first. */
export const listRoots = async ({ query }: Read): Promise<RootRow[]> =>
  (await query<RootRow>('SELECT * FROM headgate.provenance_roots ORDER BY version DESC')).rows

/** Held until the transaction ends, so that two replicas do not make two roots at once. */
export const lockRoots = async ({ query }: Transaction): Promise<void> => {
  await query(`SELECT pg_advisory_xact_lock(hashtext('headgate.provenance_roots'))`)
}

export const insertRoot = async ({ execute }: Transaction, row: RootRow): Promise<void> => {
  await execute(
    'INSERT INTO headgate.provenance_roots (version, certificate, sealed, created_at) VALUES ($1, $2, $3, $4)',
    [row.version, row.certificate, row.sealed, row.created_at],
  )
}
