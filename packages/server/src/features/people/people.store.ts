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
