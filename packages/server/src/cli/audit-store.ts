import { accessLists, auditSettings } from '../compose/provable.ts'
import { createAudit } from '../features/audit/audit.ts'
import { createTransparency, type Transparency } from '../features/audit/transparency.ts'
import type { AccessReview } from '@headgate/contract/audit.ts'
import { createOperators } from '../features/operators/operators.ts'
import { systemClock } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { exchange } from '../kernel/outbound.ts'
import { createSeal } from '../kernel/seal.ts'
import { type Flags, withStore } from './open-store.ts'
import { identityOn } from './operator.ts'

/** The rows of a large audit take their time. */
const STATEMENT_TIMEOUT_MS = 600_000

/** What the commands of the audit work with. */
interface AuditStore {
  readonly transparency: Transparency
  readonly review: (days: number) => Promise<AccessReview>
  /** The configured file of checkpoints. */
  readonly file: string
}

/** Runs operations of the audit on the configured store: the same functions that the admin API calls. */
export const withTransparency = <T>(flags: Flags, work: (store: AuditStore) => Promise<T>): Promise<T> =>
  withStore(
    flags,
    (store) => {
      const { database, secrets } = store
      const audit = createAudit({ database, clock: systemClock })
      const settings = () => auditSettings(store)
      const identity = identityOn(store)
      const operators = createOperators({
        database,
        clock: systemClock,
        audit,
        pepper: Buffer.from(secrets.pepper.key.reveal(), 'base64'),
        authenticateAdminKey: identity.authenticateAdmin,
      })
      const access = () => accessLists(identity, operators)
      const transparency = createTransparency({
        ...{ database, clock: systemClock, log: silentLog, audit, settings, access },
        seal: createSeal(secrets.seal_roots),
        ask: exchange,
        isSigner: false,
      })
      const review = async (days: number) => audit.review(await access(), days)
      return work({ transparency, review, file: settings().file })
    },
    { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
  )
