import { isLicenceRefused } from '../../domain/licences.ts'
import type { Target } from '../../domain/model.ts'
import { type ModelFacts, noFacts } from '../../domain/model-facts.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { capabilitiesOf } from './capabilities.ts'
import type { FactsOf, ListedModel, ProvidersPort, RoutingConfig } from './routing.ports.ts'

/** A target with what only its listing tells. */
export interface CatalogEntry {
  readonly target: Target
  /** Seconds since the epoch; null when unknown. */
  readonly created: number | null
}

/** The models that are known here. */
export interface Catalog {
  /** All of them, by name. */
  entries(): readonly CatalogEntry[]
  /** Targets of this bare model name, over all providers. */
  byModel(model: string): readonly Target[]
  /** The target of a provider that is configured; undefined when it offers other models only. */
  explicit(provider: string, model: string): Target | undefined
  hasProvider(provider: string): boolean
  /** What is known of a target of this catalogue. */
  factsOf(target: Target): ModelFacts
  /** Resolves when every provider was asked once, or has had its time. */
  loaded(): Promise<void>
  isLoaded(): boolean
  /** Takes over a configuration that has changed; resolves when the lists that are due have come or failed. */
  reread(): Promise<void>
  /** Forgets what a provider listed, and asks it anew. */
  listAgain(provider: string): void
  start(): void
  stop(): void
}

const LIST_TIMEOUT_MS = 5_000
/** How soon a provider that appears (an Ollama, say) and a list that is due are noticed. */
const CHECK_MS = 3_000
/** A list is fetched anew this often, and sooner where the last fetch failed. */
const FRESH_MS = 300_000
const RETRY_MS = 30_000
/** Longest wait of a first caller for the lists. */
const FIRST_WAIT_MS = 2_000
/** Targets that callers named and no list has. */
const MAX_UNLISTED = 2_000

interface Listing {
  readonly models: readonly ListedModel[]
  readonly failed: boolean
  readonly dueAt: number
}

/** Keeps the lists of all providers, refreshed in the background. */
export const createCatalog = (
  providers: ProvidersPort,
  config: () => RoutingConfig,
  knownFacts: FactsOf,
  clock: Clock,
  log: Log,
): Catalog => {
  const listings = new Map<string, Listing>()
  const asking = new Map<string, AbortController>()
  const underWay = new Set<Promise<void>>()
  const unlisted = new Map<string, Target>()
  const facts = new WeakMap<Target, ModelFacts>()
  let entries = new Map<string, CatalogEntry>()
  let byModel = new Map<string, Target[]>()
  let names = ''
  let timer: Timer | null = null
  let firstLoad: Promise<void> | null = null
  let isLoaded = false

  const targetOf = (provider: string, model: string, listed: ListedModel | undefined): Target => {
    const name = `${provider}/${model}`
    const { models, licences } = config()
    const setting = models[name]
    const kind = providers.kindOf(provider)
    const likely = capabilitiesOf(provider, kind, model)
    const known = knownFacts(kind, name)
    const { licence, attribution } = known
    const target: Target = Object.freeze({
      name,
      provider,
      model,
      operations: listed?.operations ?? likely.operations,
      maxOutputTokens: setting?.maxOutputTokens ?? null,
      contextTokens: setting?.contextTokens ?? listed?.contextTokens ?? likely.contextTokens ?? known.contextTokens,
      terms: Object.freeze({
        licence,
        attribution,
        isRefused: licences !== undefined && isLicenceRefused(licences, licence),
      }),
    })
    facts.set(target, known)
    return target
  }

  const rebuild = (): void => {
    const nextEntries = new Map<string, CatalogEntry>()
    const nextByModel = new Map<string, Target[]>()
    const add = (provider: string, model: string, listed: ListedModel | undefined): void => {
      const target = targetOf(provider, model, listed)
      if (nextEntries.has(target.name)) return
      nextEntries.set(target.name, { target, created: listed?.created ?? null })
      nextByModel.set(model, [...(nextByModel.get(model) ?? []), target])
    }
    const current = providers.names()
    const { offered: offers, models } = config()
    for (const provider of current) {
      const listed = listings.get(provider)?.models ?? []
      const offered = offers[provider]
      if (offered === undefined) for (const model of listed) add(provider, model.id, model)
      else
        for (const id of offered)
          add(
            provider,
            id,
            listed.find((model) => model.id === id),
          )
    }
    // What the operator described is known even when no list names it.
    for (const name of Object.keys(models)) {
      const slash = name.indexOf('/')
      const provider = name.slice(0, slash)
      if (current.includes(provider) && offers[provider] === undefined) add(provider, name.slice(slash + 1), undefined)
    }
    names = current.join('\n')
    entries = nextEntries
    byModel = nextByModel
    unlisted.clear()
  }

  const refreshOne = async (provider: string): Promise<void> => {
    const controller = new AbortController()
    const limit = clock.after(LIST_TIMEOUT_MS, () => controller.abort())
    // Replaced meanwhile, it is another's list.
    const isStale = (): boolean => asking.get(provider) !== controller
    asking.set(provider, controller)
    try {
      const models = await providers.listModels(provider, controller.signal)
      if (isStale()) return
      listings.set(provider, { models, failed: false, dueAt: clock.monotonic() + FRESH_MS })
    } catch (error) {
      if (isStale()) return
      const known = listings.get(provider)
      if (known?.failed !== true) {
        const code = (error as { code?: unknown }).code
        log.warn(
          { component: 'routing', provider, reason: typeof code === 'string' ? code : 'unknown' },
          'The models of a provider could not be listed.',
        )
      }
      listings.set(provider, { models: known?.models ?? [], failed: true, dueAt: clock.monotonic() + RETRY_MS })
    } finally {
      limit.cancel()
      if (!isStale()) asking.delete(provider)
    }
  }

  const refresh = async (): Promise<void> => {
    const current = providers.names()
    for (const name of listings.keys()) if (!current.includes(name)) listings.delete(name)
    const due = current.filter((name) => !asking.has(name) && (listings.get(name)?.dueAt ?? 0) <= clock.monotonic())
    const asked = due.map((name) => refreshOne(name).then(rebuild))
    for (const one of asked) {
      underWay.add(one)
      void one.finally(() => underWay.delete(one))
    }
    await Promise.all(asked)
    if (names !== current.join('\n')) rebuild()
  }

  rebuild()

  return {
    entries: () => [...entries.values()],
    byModel: (model) => byModel.get(model) ?? [],
    factsOf: (target) => facts.get(target) ?? noFacts,
    hasProvider: (provider) => providers.kindOf(provider) !== undefined,
    explicit(provider, model) {
      const name = `${provider}/${model}`
      const known = entries.get(name)?.target ?? unlisted.get(name)
      if (known !== undefined) return known
      if (config().offered[provider] !== undefined) return undefined
      const target = targetOf(provider, model, undefined)
      if (unlisted.size >= MAX_UNLISTED) unlisted.clear()
      unlisted.set(name, target)
      return target
    },
    isLoaded: () => isLoaded,
    listAgain(provider) {
      listings.delete(provider)
      asking.get(provider)?.abort()
      asking.delete(provider)
      // Whatever is said of its targets came from what it was before.
      rebuild()
      if (timer !== null) void refresh()
    },
    reread: async () => {
      rebuild()
      await refresh()
      await Promise.all(underWay)
    },
    loaded: () => firstLoad ?? Promise.resolve(),
    start() {
      const done = refresh().then(() => {
        isLoaded = true
      })
      firstLoad = Promise.race([done, new Promise<void>((resolve) => clock.after(FIRST_WAIT_MS, resolve))])
      timer = clock.every(CHECK_MS, () => void refresh())
    },
    stop: () => timer?.cancel(),
  }
}
