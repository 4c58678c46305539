import type { Operation } from '../../domain/inference.ts'

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
  kindOf(provider: string): 'openai' | 'anthropic' | 'ollama' | 'demo' | undefined
  listModels(provider: string, signal: AbortSignal): Promise<readonly ListedModel[]>
}

/** What the configuration says of one model. */
export interface ModelSetting {
  readonly maxOutputTokens?: number | undefined
  readonly contextTokens?: number | undefined
}

/** The part of the configuration that routing reads. */
export interface RoutingConfig {
  /** Models offered by provider; absent: whatever the provider lists, and any that a caller names in full. */
  readonly offered: Readonly<Record<string, readonly string[] | undefined>>
  /** By `provider/model`. */
  readonly models: Readonly<Record<string, ModelSetting | undefined>>
  /** Models that the keys of a tier may call; absent: all. */
  readonly tierModels: Readonly<Record<string, readonly string[] | undefined>>
}
