import type { IssuerInput } from '@headgate/contract/issuers.ts'
import type { Read, Transaction } from '../../kernel/db.ts'

/** A row of headgate.issuers. */
export interface IssuerRow {
  readonly project_id: string
  readonly name: string
  readonly issuer: IssuerInput
}

/** The revision of all that is kept of people; raised by every change. */
export const readRevision = async ({ query }: Read): Promise<bigint> => {
  const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.people_changes')
  return rows[0]?.revision ?? 0n
}

/** Takes the next revision; other changes wait until this transaction ends. */
export const raiseRevision = async ({ execute }: Transaction): Promise<void> => {
  await execute('UPDATE headgate.people_changes SET revision = revision + 1')
}

export const readIssuers = async ({ query }: Read): Promise<IssuerRow[]> =>
  (await query<IssuerRow>('SELECT project_id, name, issuer FROM headgate.issuers ORDER BY project_id, name')).rows

export const writeIssuer = async ({ execute }: Transaction, row: IssuerRow, at: Date): Promise<void> => {
  await execute(
    `INSERT INTO headgate.issuers (project_id, name, issuer, changed_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_id, name) DO UPDATE SET issuer = excluded.issuer, changed_at = excluded.changed_at`,
    [row.project_id, row.name, JSON.stringify(row.issuer), at],
  )
}

export const deleteIssuer = async ({ execute }: Transaction, project: string, name: string): Promise<void> => {
  await execute('DELETE FROM headgate.issuers WHERE project_id = $1 AND name = $2', [project, name])
}

/** A row of headgate.user_secrets. */
export interface UserSecretRow {
  readonly secret_id: string
  readonly project_id: string
  readonly pepper_id: string
  readonly expires_at: Date | null
}

export const readUserSecrets = async ({ query }: Read): Promise<UserSecretRow[]> =>
  (await query<UserSecretRow>('SELECT secret_id, project_id, pepper_id, expires_at FROM headgate.user_secrets')).rows

/** Those of a project, the newest first. */
export const listUserSecrets = async (
  { query }: Read,
  project: string,
): Promise<(UserSecretRow & { readonly created_at: Date })[]> =>
  (
    await query<UserSecretRow & { readonly created_at: Date }>(
      `SELECT secret_id, project_id, pepper_id, created_at, expires_at FROM headgate.user_secrets
        WHERE project_id = $1 ORDER BY created_at DESC, secret_id`,
      [project],
    )
  ).rows

export const insertUserSecret = async (
  { execute }: Transaction,
  row: Omit<UserSecretRow, 'expires_at'>,
  at: Date,
): Promise<void> => {
  await execute(
    'INSERT INTO headgate.user_secrets (secret_id, project_id, pepper_id, created_at) VALUES ($1, $2, $3, $4)',
    [row.secret_id, row.project_id, row.pepper_id, at],
  )
}

/** The current secret ends at `overlapEnds`, one that already overlaps is taken away. Answers how many were current. */
export const endUserSecrets = async ({ execute }: Transaction, project: string, overlapEnds: Date): Promise<number> => {
  await execute('DELETE FROM headgate.user_secrets WHERE project_id = $1 AND expires_at IS NOT NULL', [project])
  return execute('UPDATE headgate.user_secrets SET expires_at = $2 WHERE project_id = $1', [project, overlapEnds])
}

/** Answers how many there were. */
export const deleteUserSecrets = ({ execute }: Transaction, project: string): Promise<number> =>
  execute('DELETE FROM headgate.user_secrets WHERE project_id = $1', [project])
