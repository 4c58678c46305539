import type { Caller } from '../../domain/caller.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { type CatalogEntry, createCatalog } from './catalog.ts'
import { chooseTargets, mayUse, resolveTarget } from './choose.ts'
import { modelRoutes } from './routing.routes.ts'
import type { ProvidersPort, RoutingConfig } from './routing.ports.ts'

export interface RoutingOptions {
  readonly providers: ProvidersPort
  /** Asked anew each time. */
  readonly config: () => RoutingConfig
  readonly clock: Clock
  readonly log: Log
}

/** Which model of which provider answers a request. */
export interface Routing extends Feature {
  /**
   * The targets to try, in order; a promise only while the first lists are still on their way.
   * @throws AppError `model_not_found` (with the nearest names), `model_not_allowed` or `operation_not_supported`.
   */
  choose(
    caller: Pick<Caller, 'models' | 'tier'>,
    request: Pick<InferenceRequest, 'model' | 'operation'>,
  ): readonly Target[] | Promise<readonly Target[]>
  /** A provider is another now, or gone: what it lists is asked for anew. */
  listAgain(provider: string): void
  /** Takes over a configuration that has changed; resolves when the lists that are due have come or failed. */
  reread(): Promise<void>
  /** Every model known here, whoever asks. */
  models(): readonly Target[]
}

/** Puts catalogue and rules together. */
export const createRouting = ({ providers, config, clock, log }: RoutingOptions): Routing => {
  const catalog = createCatalog(providers, config, clock, log)

  const choose: Routing['choose'] = (caller, request) => {
    try {
      return chooseTargets(catalog, config(), caller, request)
    } catch (error) {
      const mayAppear = !catalog.isLoaded() && error instanceof AppError && error.code === 'model_not_found'
      if (!mayAppear) throw error
      return catalog.loaded().then(() => chooseTargets(catalog, config(), caller, request))
    }
  }

  const list = async (caller: Caller): Promise<readonly CatalogEntry[]> => {
    if (!catalog.isLoaded()) await catalog.loaded()
    return catalog.entries().filter(({ target }) => mayUse(config(), caller, target))
  }

  const find = async (caller: Caller, model: string): Promise<CatalogEntry> => {
    if (!catalog.isLoaded()) await catalog.loaded()
    const target = resolveTarget(catalog, config(), caller, model)
    return catalog.entries().find((entry) => entry.target === target) ?? { target, created: null }
  }

  return {
    name: 'routing',
    routes: modelRoutes({ list, find }),
    choose,
    listAgain: catalog.listAgain,
    reread: catalog.reread,
    models: () => catalog.entries().map(({ target }) => target),
    start: () => catalog.start(),
    stop: async () => catalog.stop(),
  }
}
