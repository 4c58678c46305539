import packageDescription from '../../package.json' with { type: 'json' }
import type { Settings } from '../config/config.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createProvenance, type Provenance } from '../features/provenance/provenance.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'
import { factsOf } from './facts.ts'

interface OriginOptions {
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  readonly audit: Audit
  readonly clock: Clock
  readonly log: Log
}

/** Builds what signs and verifies; what the configuration says of it is asked for anew each time. */
export const createOrigins = (first: Settings, pepper: Buffer, { settings, ...rest }: OriginOptions): Provenance =>
  createProvenance({
    ...rest,
    pepper,
    version: packageDescription.version,
    maxFileBytes: first.config.provenance.max_file_bytes,
    settings: () => {
      const { config, signer = null } = settings()
      const { provenance, models } = config
      return {
        sign: provenance.sign,
        invisibleMark: provenance.invisible_mark,
        record: provenance.record,
        recordDays: provenance.record_days,
        signer,
        onFailure: provenance.on_failure,
        maxWaiting: provenance.max_waiting,
        signMs: provenance.sign_ms,
        termsOf: (target) => factsOf(models, undefined, target).facts,
      }
    },
  })
