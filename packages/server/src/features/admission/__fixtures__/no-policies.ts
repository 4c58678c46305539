import type { Database } from '../../../kernel/db.ts'
import { AppError } from '../../../kernel/errors.ts'
import { openAccess } from '../access.ts'
import type { AdmissionPorts } from '../admission.ports.ts'

/** The ports of admission for tests in which no limit is data; nothing here asks the database. */
export const noPolicyPorts = {
  database: {} as Database,
  audit: { record: () => Promise.resolve() },
  countryOf: () => 'unknown',
  configured: { policies: {}, access: openAccess },
  callerOf: () => Promise.reject(new AppError('resource_not_found')),
  targetsOf: () => [],
  onShadowRefused: () => {},
} satisfies Partial<AdmissionPorts>
