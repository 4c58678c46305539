import type { Settings } from '../config/config.ts'
import type { Assets } from '../features/assets/assets.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Cache } from '../features/cache/cache.ts'
import type { BudgetRules } from '../features/ledger/budget-rules.ports.ts'
import { createPrivacy } from '../features/privacy/privacy.ts'
import type { Recipient } from '../features/privacy/processing-record.ts'
import type { Providers } from '../features/providers/providers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Feature } from '../kernel/feature.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'

/** What comes of parts that are built elsewhere. */
export interface PrivacyRoomPorts {
  readonly budgetRules: Pick<BudgetRules, 'list'>
  /** As they are once the house stands. */
  readonly providers: () => Pick<Providers, 'names' | 'optionsOf'>
}

interface PrivacyRoomOptions extends PrivacyRoomPorts {
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly audit: Pick<Audit, 'record'>
  readonly cache: Pick<Cache, 'forget'>
  readonly assets: Pick<Assets, 'forgetOwner'>
  readonly clock: Clock
  readonly log: Log
}

const hostOf = (address: string | undefined): string => (address === undefined ? '' : new URL(address).host)

/** Builds what tells of people’s data, and erases it. */
export const createPrivacyRoom = (options: PrivacyRoomOptions): Feature => {
  const { settings, audit, cache, assets, budgetRules, providers } = options
  return createPrivacy({
    ...options,
    record: audit.record,
    settleMinutes: () => settings().config.retention.erasure_settle_minutes,
    forget: async (person, by) => {
      await cache.forget(person, by)
      return assets.forgetOwner({ project: person.project, subject: person.user })
    },
    personalRules: async () =>
      (await budgetRules.list()).filter(({ rule }) => rule.level === 'user').map(({ name }) => name),
    recipients: () =>
      providers()
        .names()
        .map((name): Recipient => ({ name, host: hostOf(providers().optionsOf(name)?.baseUrl) }))
        // The demo answers by itself.
        .filter(({ host }) => host !== ''),
  })
}
