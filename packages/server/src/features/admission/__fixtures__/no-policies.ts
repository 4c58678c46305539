import type { Caller } from '../../../domain/caller.ts'
import { noBudgets } from '../../../domain/hold.ts'
import type { Database } from '../../../kernel/db.ts'
import { AppError } from '../../../kernel/errors.ts'
import { openAccess } from '../access.ts'
import type { AdmissionPorts } from '../admission.ports.ts'

/** The ports of admission for tests in which no limit and no budget is data; nothing here asks the database. */
export const noPolicyPorts = {
  database: {} as Database,
  audit: { record: () => Promise.resolve() },
  countryOf: () => 'unknown',
  configured: { policies: {}, access: openAccess },
  callerOf: () => Promise.reject(new AppError('resource_not_found')),
  targetsOf: () => [],
  onShadowRefused: () => {},
  onBudgetExceeded: () => {},
  budgetStandings: async () => ({ standings: [], notApplied: [] }),
  budgetsOf: ({ budgetId }) =>
    budgetId === null ? noBudgets : [{ id: budgetId, level: 'key', rule: null, soft: false, targets: null }],
} satisfies Partial<AdmissionPorts>

/** The holder of a secret key. */
export const caller: Caller = {
  keyId: 'k1',
  projectId: 'p1',
  kind: 'secret',
  tier: 'free',
  models: null,
  budgetId: null,
  person: null,
}
