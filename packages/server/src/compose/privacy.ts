import type { Settings } from '../config/config.ts'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Assets } from '../features/assets/assets.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Cache } from '../features/cache/cache.ts'
import type { Conversations } from '../features/conversations/conversations.ts'
import type { Ledger } from '../features/ledger/ledger.ts'
import type { BudgetRules } from '../features/ledger/budget-rules.ports.ts'
import { createPrivacy, type Privacy } from '../features/privacy/privacy.ts'
import type { Recipient } from '../features/privacy/processing-record.ts'
import { countryOf } from '../features/privacy/recipient-country.ts'
import type { Providers } from '../features/providers/providers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import { leftErasures } from '../kernel/embedded-erasures.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'
import { addressOf } from './address.ts'
import { type BlobSecrets, openBlobStore } from './blob-store.ts'
import type { Crew } from './crew.ts'
import { retentionPeriods } from './retention-periods.ts'

/** What comes of parts that are built elsewhere. */
export interface PrivacyRoomPorts {
  readonly budgetRules: Pick<BudgetRules, 'list'>
  readonly ledger: Pick<Ledger, 'forgetSettled'>
  /** As they are once the house stands. */
  readonly providers: () => Pick<Providers, 'names' | 'optionsOf'>
}

interface PrivacyRoomOptions extends PrivacyRoomPorts {
  /** As it was when the house started. */
  readonly config: Config
  readonly secrets: BlobSecrets
  readonly settings: () => Settings
  /** The port that is listened on. */
  readonly port: () => number
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly audit: Pick<Audit, 'record'>
  readonly cache: Pick<Cache, 'forget'>
  readonly assets: Pick<Assets, 'forgetOwner' | 'contentsOf' | 'endAged'>
  readonly conversations: Pick<Conversations, 'endAged'>
  readonly crew: Pick<Crew, 'number'>
  readonly clock: Clock
  readonly log: Log
}

const hostOf = (address: string | undefined): string => (address === undefined ? '' : new URL(address).host)

/** Builds what tells of people’s data, gives it to them, and erases it. */
export const createPrivacyRoom = (options: PrivacyRoomOptions): Privacy => {
  const { settings, audit, cache, assets, conversations, budgetRules, ledger, providers } = options
  return createPrivacy({
    ...options,
    record: audit.record,
    left: leftErasures(options.config.data_dir),
    journalPath: options.config.privacy.erasure_journal ?? join(options.config.data_dir, 'erasures.jsonl'),
    blobs: openBlobStore(options, options.clock).blobs,
    address: () => addressOf(settings().config, options.port()),
    bounds: () => {
      const { target_days, archive_days, link_minutes } = settings().config.privacy
      return { targetDays: target_days, archiveDays: archive_days, linkMinutes: link_minutes }
    },
    contents: ({ project, user }) => assets.contentsOf({ project, subject: user }),
    assessed: () => {
      const { body_log: log, memories } = settings().config
      return {
        loggedProjects: log.projects,
        learns: memories.extract_model !== undefined,
        acceptsAll: memories.auto_accept,
      }
    },
    consentRules: () => {
      const { consent_purposes, opt_in_purposes, gpc_purposes } = settings().config.privacy
      return { purposes: consent_purposes, optIn: opt_in_purposes, gpc: gpc_purposes }
    },
    retention: {
      periodsOf: (name) => retentionPeriods(settings().config, name),
      keepers: { sessions: conversations.endAged, assets: assets.endAged },
      isFirst: options.crew.number === 1,
    },
    settleMinutes: () => settings().config.retention.erasure_settle_minutes,
    forget: async (person, by) => {
      await cache.forget(person, by)
      // The books of what the journal still has, before they are gone through.
      await ledger.forgetSettled()
      return assets.forgetOwner({ project: person.project, subject: person.user })
    },
    personalRules: async () =>
      (await budgetRules.list()).filter(({ rule }) => rule.level === 'user').map(({ name }) => name),
    recipients: () =>
      providers()
        .names()
        .map((name): Recipient => {
          const host = hostOf(providers().optionsOf(name)?.baseUrl)
          return { name, host, country: countryOf(name, host, settings().config.privacy.recipient_countries) }
        })
        // The demo answers by itself.
        .filter(({ host }) => host !== ''),
  })
}
