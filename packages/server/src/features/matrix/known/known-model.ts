import type { FactSource, ModelFacts } from '../../../domain/model-facts.ts'

/** A family of models of which something was read; what was not read is not written here. */
export interface KnownModel {
  readonly title: string
  /** Of the whole name in small letters, as providers write it. */
  readonly names: RegExp
  /** `provider/model`, by which prices of the library are looked up for the reference; null where nobody sells it by itself. */
  readonly example: string | null
  readonly facts: Partial<ModelFacts>
  readonly sources: readonly FactSource[]
}

/** The day on which all of this was read. */
const read = '2026-11-27'

/** Models whose weights nobody publishes are used under the terms of whoever sells them. */
export const sold = 'proprietary'

export const at = (url: string, ...facts: (keyof ModelFacts)[]): FactSource => ({ facts, url, read })

/** A file of the open data set models.dev, at the commit that was read. */
export const modelsDev = (commit: string, path: string, ...facts: (keyof ModelFacts)[]): FactSource =>
  at(`https://github.com/anomalyco/models.dev/blob/${commit}/${path}.toml`, ...facts)

export const limits = ['contextTokens', 'maxOutputTokens'] as const
export const abilities = ['input', 'output', 'tools', 'licence'] as const

/** Beginning of a name, after the maker or the region that some providers put before it. */
export const named = (pattern: string): RegExp => new RegExp(`(^|[/.:])${pattern}(-\\d{4}-\\d{2}-\\d{2})?$`)
export const begins = (pattern: string): RegExp => new RegExp(`(^|[/.])${pattern}`)

export const readsImages = { input: ['text', 'image'], output: ['text'] } as const
export const readsFiles = { input: ['text', 'image', 'file'], output: ['text'] } as const
export const readsAll = { input: ['text', 'image', 'audio', 'video', 'file'], output: ['text'] } as const
