import type { Caller } from '../../domain/caller.ts'
import type { Attempt } from '../../domain/hold.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Asker, ExplainedChoice } from '../../domain/route.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { type CatalogEntry, createCatalog } from './catalog.ts'
import { type ChoiceGround, chooseTargets, mayUse, namesOf, resolveTarget } from './choose.ts'
import { isOpen } from './licence.ts'
import type { FactsOf, ProvidersPort, RoutingConfig } from './routing.ports.ts'
import { createStandings, type Pace } from './standings.ts'

export interface RoutingOptions extends Pick<ChoiceGround, 'isResting' | 'costOf' | 'countryOf' | 'random'> {
  readonly providers: ProvidersPort
  /** Asked anew each time. */
  readonly config: () => RoutingConfig
  /** What is known of models; asked again when the configuration has changed. */
  readonly factsOf: FactsOf
  readonly clock: Clock
  readonly log: Log
}

/** Which model of which provider answers a request. */
export interface Routing extends Feature {
  /**
   * The targets to try, in order, and why; a promise only while the first lists are still on their way.
   * @throws AppError `model_not_found` (with the nearest names), `model_not_allowed`, `licence_not_allowed` or `operation_not_supported`.
   */
  choose(asker: Asker, request: InferenceRequest): ExplainedChoice | Promise<ExplainedChoice>
  /** Learns how the tries of a call went. */
  observe(attempts: readonly Attempt[], pace: Pace): void
  /** A provider is another now, or gone: what it lists is asked for anew. */
  listAgain(provider: string): void
  /** Takes over a configuration that has changed; resolves when the lists that are due have come or failed. */
  reread(): Promise<void>
  /** Every model known here, whoever asks. */
  models(): readonly Target[]
  /** What this caller may call, by name; resolves once the first lists have come. */
  list(caller: Caller): Promise<readonly CatalogEntry[]>
  /** One of them, by full or bare name. @throws AppError `model_not_found`, `model_not_allowed` or `licence_not_allowed`. */
  find(caller: Caller, model: string): Promise<CatalogEntry>
}

/** Faults that say nothing of a target. */
const callersOwn = new Set([
  'client_closed_request',
  'server_draining',
  'upstream_invalid_request',
  'context_length_exceeded',
  'upstream_content_refused',
])

/** Puts catalogue and rules together. */
export const createRouting = ({ providers, config, factsOf, clock, log, ...rest }: RoutingOptions): Routing => {
  const catalog = createCatalog(providers, config, factsOf, clock, log)
  const standings = createStandings(clock)
  const ground = {
    ...rest,
    catalog,
    standings,
    get config() {
      return config()
    },
  }

  const choose: Routing['choose'] = (asker, request) => {
    try {
      return chooseTargets(ground, asker, request)
    } catch (error) {
      // `auto` and a bare name turn on lists that may be on their way.
      const mayAppear = !catalog.isLoaded() && error instanceof AppError && error.code !== 'operation_not_supported'
      if (!mayAppear) throw error
      return catalog.loaded().then(() => chooseTargets(ground, asker, request))
    }
  }

  const list = async (caller: Caller): Promise<readonly CatalogEntry[]> => {
    if (!catalog.isLoaded()) await catalog.loaded()
    const models = catalog.entries().filter(({ target }) => mayUse(config(), caller, target) && isOpen(target))
    return [...namesOf(ground, caller), ...models]
  }

  const find = async (caller: Caller, model: string): Promise<CatalogEntry> => {
    if (!catalog.isLoaded()) await catalog.loaded()
    const named = namesOf(ground, caller).find(({ target }) => target.name === model)
    if (named !== undefined) return named
    const target = resolveTarget(catalog, config(), caller, model)
    return catalog.entries().find((entry) => entry.target === target) ?? { target, created: null }
  }

  return {
    name: 'routing',
    choose,
    observe: (attempts, pace) => {
      for (const { target, durationMs, fault } of attempts)
        standings.observe(target, pace, durationMs, fault !== null && !callersOwn.has(fault))
    },
    listAgain: catalog.listAgain,
    reread: catalog.reread,
    list,
    find,
    models: () => catalog.entries().map(({ target }) => target),
    start: () => catalog.start(),
    stop: async () => catalog.stop(),
  }
}
