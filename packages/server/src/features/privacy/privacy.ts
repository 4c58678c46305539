import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createArchiveStore, type PieceBlobs, type PieceSeal } from './archives.store.ts'
import { breachRoutes } from './breaches/breaches.routes.ts'
import { createBreachStore } from './breaches/breaches.store.ts'
import { createBreaches } from './breaches/breaches.ts'
import { consentRoutes } from './consent/consents.routes.ts'
import { createConsentStore } from './consent/consents.store.ts'
import { type ConsentRules, type Consents, createConsents } from './consent/consents.ts'
import type { DpiaFacts } from './dpia.ts'
import { type DueNow, dueFindings, type PrivacyFinding } from './due-findings.ts'
import { createErasures, type ErasurePorts } from './erasures.ts'
import { createErasureStore, type SealPort } from './erasures.store.ts'
import { type ArchivePorts, createArchive } from './export-archive.ts'
import { createErasureJournalFile } from './erasure-journal-file.ts'
import { createExportLinks } from './export-links.ts'
import { createExportStore } from './export.store.ts'
import { holdRoutes } from './holds.routes.ts'
import { createHoldStore } from './holds.store.ts'
import { dataMap } from './map/map.ts'
import { paperRoutes } from './papers.routes.ts'
import { erasureRoutes, inventoryRoutes } from './privacy.routes.ts'
import type { Recipient } from './processing-record.ts'
import { replayErasures } from './replay-erasures.ts'
import { type LeftJournal, replayLeft } from './replay-left.ts'
import { replayRoutes } from './replay.routes.ts'
import { createReceiptSigner } from './receipt.ts'
import { nameHolds } from './name-holds.ts'
import type { RetentionWishes } from './retention/retention.ports.ts'
import { retentionRoutes } from './retention/retention.routes.ts'
import { createRetentionStore } from './retention/retention.store.ts'
import { createRetention } from './retention/retention.ts'
import { adminRequestRoutes, selfRequestRoutes } from './requests.routes.ts'
import { createRequestStore } from './requests.store.ts'
import { createRequests, type RequestPorts } from './requests.ts'

export interface PrivacyOptions
  extends Pick<ErasurePorts, 'forget' | 'record' | 'settleMinutes'>,
    Pick<RequestPorts, 'bounds' | 'address'>,
    Pick<ArchivePorts, 'contents'> {
  readonly database: Database
  readonly seal: SealPort & PieceSeal
  /** Where archives are kept. */
  readonly blobs: PieceBlobs
  /** A secret that all replicas share: digests of names are made and receipts signed under it. */
  readonly pepper: Buffer
  /** File outside the database that tells of each erasure. */
  readonly journalPath: string
  readonly clock: Clock
  readonly log: Log
  /** Erasures that a restore left to be done before the house opens. */
  readonly left: LeftJournal
  readonly retention: RetentionWishes
  /** What of the configuration an assessment turns on. */
  readonly assessed: () => Pick<DpiaFacts, 'loggedProjects' | 'learns' | 'acceptsAll'>
  /** What people are asked for, asked anew each time. */
  readonly consentRules: () => ConsentRules
  /** Names of the budget rules that give each person an account. */
  readonly personalRules: () => Promise<readonly string[]>
  /** Model providers that may be called, as they are now. */
  readonly recipients: () => readonly Recipient[]
}

const COUNT_MS = 600_000

/** What is held of people, and what they agree to. */
export interface Privacy extends Feature, Pick<Consents, 'allows' | 'heardOptOut'> {
  /** What the law wants by a time, for alerts. */
  readonly findings: () => Promise<readonly PrivacyFinding[]>
  /** The same as last counted, for metrics. */
  readonly due: () => DueNow
}

/** What is held of people, giving it to them, and erasing it. */
export const createPrivacy = (options: PrivacyOptions): Privacy => {
  const { database, seal, blobs, pepper, clock, recipients, personalRules, record } = options
  const facts = () => ({ now: clock.now(), recipients: recipients() })
  const signer = createReceiptSigner(pepper)
  const store = createErasureStore(database, seal, dataMap, pepper, personalRules)
  const holds = createHoldStore(database, store.digestOf)
  const erasures = createErasures({
    ...options,
    ...{ map: dataMap, store, signer, holds },
    journal: createErasureJournalFile(options.journalPath),
    forget: async (person, by) => {
      const exports = await requests.forget(person)
      const touched = await options.forget(person, by)
      return exports > 0 ? { ...touched, privacy_requests: exports } : touched
    },
  })
  const requests = createRequests({
    ...options,
    erasures,
    store: createRequestStore(database, seal, store.digestOf),
    archives: createArchiveStore(database, seal, blobs),
    links: createExportLinks(pepper),
    write: createArchive({
      ...{ map: dataMap, facts, signer, contents: options.contents },
      store: createExportStore(database, seal, personalRules),
    }),
  })
  const retention = createRetention({
    ...options.retention,
    ...{ store: createRetentionStore(database), map: dataMap, signer, clock, log: options.log, record },
    unnameEnded: holds.unnameEnded,
  })
  const consents = createConsents({
    ...{ store: createConsentStore(database, seal), rules: options.consentRules, clock, log: options.log, record },
  })
  const breaches = createBreaches({ store: createBreachStore(database, dataMap), clock, record })
  let breachTimer: { cancel(): void } | null = null
  const again = { database, map: dataMap, signer, digestOf: store.digestOf, erase: erasures.erase }
  return {
    name: 'privacy',
    allows: consents.allows,
    heardOptOut: consents.heardOptOut,
    findings: () => dueFindings(requests, breaches, clock.now()),
    due: () => ({ requests: requests.overdue(), breaches: breaches.known() }),
    routes: [
      ...inventoryRoutes(dataMap),
      ...paperRoutes(dataMap, () => ({
        ...{ ...facts(), ...options.assessed(), periodsOf: options.retention.periodsOf },
        ...{ consent: options.consentRules(), targetDays: options.bounds().targetDays },
      })),
      ...erasureRoutes(erasures),
      ...replayRoutes(
        (lines) => replayErasures(again, lines),
        (by) =>
          database.transaction('system', (transaction) =>
            record(transaction, { ...by, action: 'erasures.replayed', resource: 'erasure_journal' }),
          ),
      ),
      ...retentionRoutes(retention),
      ...breachRoutes(breaches),
      ...consentRoutes(consents, () => options.consentRules().gpc.length > 0),
      ...holdRoutes(holds, clock, record, erasures.look),
      ...selfRequestRoutes(requests),
      ...adminRequestRoutes(requests, (entry) =>
        database.transaction({ project: entry.project }, (transaction) =>
          record(transaction, { ...entry, action: 'privacy_request.link_made' }),
        ),
      ),
    ],
    start: async () => {
      await replayLeft({ ...again, left: options.left, log: options.log })
      await nameHolds(database, dataMap, holds, store.digestOf)
      erasures.start()
      retention.start()
      requests.start()
      const count = () =>
        breaches
          .due()
          .catch((error: Error) => options.log.warn({ component: 'privacy', error }, 'Breaches could not be counted'))
      void count()
      breachTimer = clock.every(COUNT_MS, () => void count())
    },
    stop: async () => {
      breachTimer?.cancel()
      await retention.stop()
      await consents.stop()
      await requests.stop()
      await erasures.stop()
    },
  }
}
