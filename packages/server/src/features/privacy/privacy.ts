import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { createErasures, type ErasurePorts } from './erasures.ts'
import { createErasureStore, type SealPort } from './erasures.store.ts'
import { dataMap } from './map/map.ts'
import { erasureRoutes, inventoryRoutes } from './privacy.routes.ts'
import type { Recipient } from './processing-record.ts'
import { createReceiptSigner } from './receipt.ts'

export interface PrivacyOptions extends Pick<ErasurePorts, 'forget' | 'record' | 'settleMinutes'> {
  readonly database: Database
  readonly seal: SealPort
  /** A secret that all replicas share: digests of names are made and receipts signed under it. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  /** Names of the budget rules that give each person an account. */
  readonly personalRules: () => Promise<readonly string[]>
  /** Model providers that may be called, as they are now. */
  readonly recipients: () => readonly Recipient[]
}

/** What is held of people, and erasing it. */
export const createPrivacy = (options: PrivacyOptions): Feature => {
  const { database, seal, pepper, clock, recipients, personalRules } = options
  const erasures = createErasures({
    ...options,
    map: dataMap,
    store: createErasureStore(database, seal, dataMap, pepper, personalRules),
    signer: createReceiptSigner(pepper),
  })
  return {
    name: 'privacy',
    routes: [
      ...inventoryRoutes(dataMap, () => ({ now: clock.now(), recipients: recipients() })),
      ...erasureRoutes(erasures),
    ],
    start: erasures.start,
    stop: erasures.stop,
  }
}
