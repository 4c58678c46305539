import type { Access, PolicyInput } from '@headgate/contract/limits.ts'
import type { Read, Transaction } from '../../kernel/db.ts'

/** A row of headgate.limit_policies. */
export interface PolicyRow {
  readonly name: string
  readonly policy: PolicyInput
}

/** The revision of all limits; raised by every change. */
export const readRevision = async ({ query }: Read): Promise<bigint> => {
  const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.limit_changes')
  return rows[0]?.revision ?? 0n
}

/** Takes the next revision; other changes of limits wait until this transaction ends. */
export const raiseRevision = async ({ execute }: Transaction): Promise<void> => {
  await execute('UPDATE headgate.limit_changes SET revision = revision + 1')
}

export const readPolicies = async ({ query }: Read): Promise<PolicyRow[]> =>
  (await query<PolicyRow>('SELECT name, policy FROM headgate.limit_policies ORDER BY name')).rows

/** The access rules; null until an operator sets them. */
export const readAccess = async ({ query }: Read): Promise<Access | null> =>
  (await query<{ access: Access }>('SELECT access FROM headgate.access_rules')).rows[0]?.access ?? null

export const writePolicy = async ({ execute }: Transaction, { name, policy }: PolicyRow, at: Date): Promise<void> => {
  await execute(
    `INSERT INTO headgate.limit_policies (name, policy, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET policy = excluded.policy, changed_at = excluded.changed_at`,
    [name, JSON.stringify(policy), at],
  )
}

/** Answers how many there were. */
export const deletePolicy = ({ execute }: Transaction, name: string): Promise<number> =>
  execute('DELETE FROM headgate.limit_policies WHERE name = $1', [name])

export const writeAccess = async ({ execute }: Transaction, access: Access, at: Date): Promise<void> => {
  await execute(
    `INSERT INTO headgate.access_rules (access, changed_at) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET access = excluded.access, changed_at = excluded.changed_at`,
    [JSON.stringify(access), at],
  )
}
