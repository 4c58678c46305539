import type { Operation } from '../../domain/inference.ts'
import type { LicenceRules } from '../../domain/licences.ts'
import type { ModelFacts } from '../../domain/model-facts.ts'

/** A model that a provider says it has. */
export interface ListedModel {
  readonly id: string
  /** null when the provider does not say. */
  readonly operations: readonly Operation[] | null
  readonly contextTokens: number | null
  /** Seconds since the epoch; null when unknown. */
  readonly created: number | null
}

/** The providers of the house, as far as routing asks them. */
export interface ProvidersPort {
  /** Those that can be called now; may change while running. */
  names(): readonly string[]
  kindOf(provider: string): string | undefined
  listModels(provider: string, signal: AbortSignal): Promise<readonly ListedModel[]>
}

/** What the configuration says of one model. */
export interface ModelSetting {
  readonly maxOutputTokens?: number | undefined
  readonly contextTokens?: number | undefined
  /** From 0 to 100, as measured by whoever runs the house. */
  readonly quality?: number | undefined
  readonly qualityByTask?: Readonly<Record<string, number>> | undefined
}

/** What is known of a model of a provider of this kind, by `provider/model`. */
export type FactsOf = (kind: string | undefined, name: string) => ModelFacts

/** For which calls a target of a route is. */
export interface RouteCondition {
  readonly tiers?: readonly string[] | undefined
  /** ISO 3166 codes, or `unknown`. */
  readonly countries?: readonly string[] | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

export interface RouteTarget {
  /** `provider/model`. */
  readonly model: string
  /** Its share among the targets of the route; 1 when absent. */
  readonly weight?: number | undefined
  readonly when?: RouteCondition | undefined
}

/** A name of the house's own for models. */
export interface NamedRoute {
  readonly targets: readonly RouteTarget[]
  /** Tried in order when the others fail. */
  readonly fallbacks: readonly string[]
}

/** The part of the configuration that routing reads. */
export interface RoutingConfig {
  /** Models offered by provider; absent: whatever the provider lists, and any that a caller names in full. */
  readonly offered: Readonly<Record<string, readonly string[] | undefined>>
  /** By `provider/model`. */
  readonly models: Readonly<Record<string, ModelSetting | undefined>>
  /** Names of the house's own that stand for models. */
  readonly routes: Readonly<Record<string, NamedRoute | undefined>>
  /** Models that `auto` chooses from, as in the list of a key; absent: all. */
  readonly autoModels?: readonly string[] | undefined
  /** Models that the keys of a tier may call; absent: all. */
  readonly tierModels: Readonly<Record<string, readonly string[] | undefined>>
  /** Under which licences models may be called; absent: under any. */
  readonly licences?: LicenceRules
}
