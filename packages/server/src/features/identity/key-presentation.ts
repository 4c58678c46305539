import type { Key, Project } from '@headgate/contract/keys.ts'
import { formatUsd } from '../../domain/money.ts'
import type { BudgetState } from './identity.ports.ts'
import type { KeyRow, ProjectRow } from './identity.store.ts'

/** A key as operators see it. */
export const presentKey = (row: KeyRow, budget: BudgetState | undefined): Key => ({
  object: 'key',
  id: row.key_id,
  project: row.project_id,
  kind: row.kind,
  name: row.name,
  tier: row.tier,
  models: row.models,
  origins: row.origins,
  state: row.state,
  budget: budget
    ? {
        id: budget.id,
        limit_usd: formatUsd(budget.limit),
        window: budget.window,
        spent_usd: formatUsd(budget.spent),
        reserved_usd: formatUsd(budget.reserved),
      }
    : null,
  expires_at: row.expires_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
  last_used_at: row.last_used_at?.toISOString() ?? null,
})

/** A project as operators see it. */
export const presentProject = (row: ProjectRow): Project => ({
  object: 'project',
  id: row.project_id,
  name: row.name,
  created_at: row.created_at.toISOString(),
})

/** What the audit keeps of a key: everything that can change, nothing that is secret. */
export const auditedKey = (row: KeyRow, budget?: object | null) => ({
  kind: row.kind,
  name: row.name,
  tier: row.tier,
  models: row.models,
  origins: row.origins,
  state: row.state,
  expires_at: row.expires_at?.toISOString() ?? null,
  budget_id: row.budget_id,
  ...(budget !== undefined && { budget }),
})
