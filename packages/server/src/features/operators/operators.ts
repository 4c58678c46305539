import type { Page, PageQuery } from '@headgate/contract/keys.ts'
import type { OperatorView, SessionView } from '@headgate/contract/operators.ts'
import type { Permission } from '@headgate/contract/roles.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { AuditPort } from './operators.ports.ts'
import { operatorRoutes } from './operators.routes.ts'
import { createOperatorsService, looksLikeSession } from './operators.service.ts'
import { createOperatorsStore } from './operators.store.ts'

export interface OperatorsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly audit: AuditPort
  readonly pepper: Buffer
  /** How the audit names the holder of the admin key, who may do everything. @throws AppError of the authentication family. */
  readonly authenticateAdminKey: (credential: string | null) => string
}

/** Who runs this Headgate, and what each of them may do. */
export interface Operators extends Feature {
  /**
   * How the audit names whoever asks, when they may do this; `beforeAsking` may throw where PostgreSQL would be asked.
   * @throws AppError of the authentication family, or `database_unavailable`.
   */
  readonly authenticateAdmin: (
    credential: string | null,
    permission: Permission,
    beforeAsking?: () => void,
  ) => string | Promise<string>
  /** Pages of who they are, and of their sessions. */
  readonly lists: {
    readonly operators: (query: PageQuery) => Promise<Page<OperatorView>>
    readonly sessions: (query: PageQuery) => Promise<Page<SessionView>>
  }
}

/** Builds operators: rows with a role, and their sessions beside the admin key. */
export const createOperators = ({ database, authenticateAdminKey, ...options }: OperatorsOptions): Operators => {
  const service = createOperatorsService({ ...options, store: createOperatorsStore(database) })
  return {
    name: 'operators',
    routes: operatorRoutes(service),
    lists: { operators: service.list, sessions: service.listSessions },
    authenticateAdmin: (credential, permission, beforeAsking) => {
      if (credential === null || !looksLikeSession(credential)) return authenticateAdminKey(credential)
      beforeAsking?.()
      return service.authorise(credential, permission)
    },
  }
}
