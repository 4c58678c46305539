import type { Read, Transaction } from '../../kernel/db.ts'
import type { Policy } from './policy.ts'

/** A row of headgate.safety_policies. */
export interface PolicyRow {
  readonly project_id: string
  readonly policy: Policy
  readonly changed_at: Date
}

/** The revision of all policies; raised by every change. */
export const readRevision = async ({ query }: Read): Promise<bigint> => {
  const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.safety_changes')
  return rows[0]?.revision ?? 0n
}

/** Takes the next revision; other changes wait until this transaction ends. */
export const raiseRevision = async ({ execute }: Transaction): Promise<void> => {
  await execute('UPDATE headgate.safety_changes SET revision = revision + 1')
}

/** Those of all projects: one row at most for each. */
export const readPolicies = async ({ query }: Read): Promise<PolicyRow[]> =>
  (await query<PolicyRow>('SELECT project_id, policy, changed_at FROM headgate.safety_policies')).rows

/** That of one project; null where no operator has set one. */
export const readPolicy = async ({ query }: Read, project: string): Promise<PolicyRow | null> => {
  const { rows } = await query<PolicyRow>(
    'SELECT project_id, policy, changed_at FROM headgate.safety_policies WHERE project_id = $1',
    [project],
  )
  return rows[0] ?? null
}

export const writePolicy = async ({ execute }: Transaction, row: PolicyRow): Promise<void> => {
  await execute(
    `INSERT INTO headgate.safety_policies (project_id, policy, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (project_id) DO UPDATE SET policy = excluded.policy, changed_at = excluded.changed_at`,
    [row.project_id, row.policy, row.changed_at],
  )
}

export const deletePolicy = async ({ execute }: Transaction, project: string): Promise<void> => {
  await execute('DELETE FROM headgate.safety_policies WHERE project_id = $1', [project])
}
