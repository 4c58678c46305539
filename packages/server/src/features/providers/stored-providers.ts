import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { Log } from '../../kernel/log.ts'
import { SealBroken } from '../../kernel/seal-cipher.ts'
import { createProviderSecrets, type SealPort } from './provider-secrets.ts'
import type { StoredKind, TemplateProblems } from './provider-settings.ts'
import type { AuditPort } from './providers.ports.ts'
import { providerRoutes } from './providers.routes.ts'
import { createProvidersService, type ProvidersService } from './providers.service.ts'
import { createProvidersStore } from './providers.store.ts'
import type { Providers } from './providers.ts'
import type { ProviderOptions } from './provider-options.ts'

export interface StoredProvidersOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly audit: AuditPort
  readonly clock: Clock
  readonly log: Log
  readonly providers: Pick<Providers, 'replace' | 'remove' | 'configured' | 'listModelsOf' | 'keysOf' | 'switchOff'>
  readonly usualAddress: (name: string, kind: StoredKind) => string | undefined
  readonly templateProblems: TemplateProblems
}

/** The providers of operators: kept in PostgreSQL, in use on every replica. */
export interface StoredProviders extends Feature {
  readonly service: ProvidersService
  /** Takes over what was changed; runs by itself once started. @throws AppError `database_unavailable`. */
  readonly refresh: () => Promise<void>
}

/** Builds the operator's side of providers, and keeps the registry equal to the database. */
export const createStoredProviders = (options: StoredProvidersOptions): StoredProviders => {
  const { database, clock, log, providers } = options
  const store = createProvidersStore(database)
  const secrets = createProviderSecrets(options.seal)
  /** The revision of each that stands in the registry, by name. */
  const standing = new Map<string, bigint>()
  let seen = -1n

  const look = async (): Promise<void> => {
    const found = await store.read(async (read) => {
      const revision = await store.statements.revision(read)
      if (revision === seen) return null
      const all = new Map<string, { revision: bigint; reached: ProviderOptions | null }>()
      for (const row of await store.statements.providers(read)) {
        if (standing.get(row.name) === row.revision) {
          all.set(row.name, { revision: row.revision, reached: null })
          continue
        }
        try {
          all.set(row.name, { revision: row.revision, reached: await secrets.optionsOf(read, row) })
        } catch (error) {
          // Any other fault is of the moment: the next look tries again, and what stands stays.
          if (!(error instanceof SealBroken)) throw error
          log.error(
            { component: 'providers', provider: row.name, error: error as Error },
            'The secrets of a provider do not open: it cannot be called',
          )
        }
      }
      return { revision, all, off: await store.statements.switchedOff(read) }
    })
    if (found === null) return
    providers.switchOff(found.off)
    for (const name of standing.keys()) {
      if (found.all.has(name)) continue
      standing.delete(name)
      providers.remove('operator', name)
    }
    for (const [name, { revision, reached }] of found.all) {
      if (reached === null) continue
      standing.set(name, revision)
      providers.replace('operator', name, reached)
    }
    seen = found.revision
  }

  const follower = createFollower({ clock, log, component: 'providers', what: 'providers', look })

  const service = createProvidersService({
    store,
    secrets,
    audit: options.audit,
    clock,
    configured: providers.configured,
    usualAddress: options.usualAddress,
    templateProblems: options.templateProblems,
    listModels: providers.listModelsOf,
    keysOf: providers.keysOf,
    changed: follower.refreshQuietly,
  })

  return {
    name: 'stored-providers',
    routes: providerRoutes(service),
    service,
    refresh: follower.refresh,
    start: follower.start,
    stop: follower.stop,
  }
}
