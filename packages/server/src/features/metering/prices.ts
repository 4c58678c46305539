import { createHash } from 'node:crypto'
import { calcPrice, findProvider, type ModelPrice } from '@pydantic/genai-prices'
import type { Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { type NanoUsd, parseUsd } from '../../domain/money.ts'
import type { ProviderKind } from '../../domain/provider-kind.ts'
import type { MediaPrice, Price } from '../../domain/price.ts'
import { coversOperation } from './media-price.ts'
import type { PriceStep, Rates, SteppedPrice } from './price.ts'

/** A price from the configuration: nano-USD per million tokens, and per request. */
export interface PriceOverride {
  /** Absent, as `output` then is too: tokens have no price. */
  readonly input?: NanoUsd
  readonly output?: NanoUsd
  /** Absent: cached input costs what other input costs. */
  readonly cachedInput?: NanoUsd
  /** Absent: input written to the cache costs what other input costs; kept for an hour, what is written. */
  readonly cacheWrite?: NanoUsd
  readonly cacheWriteHour?: NanoUsd
  readonly perRequest?: NanoUsd
  readonly media?: MediaPrice
}

/** A price and the time from which it holds, until the next: milliseconds since the epoch, -Infinity from the beginning. */
export interface DatedPrice {
  readonly from: number
  readonly price: PriceOverride
}

/** What of a provider decides where its prices are looked up. */
export interface PricedProvider {
  readonly kind: ProviderKind
  readonly baseUrl?: string | undefined
  /** Found on this machine: its calls cost nothing. */
  readonly isFound?: boolean | undefined
}

export interface PricesOptions {
  /** By target name, `provider/model`; before the first of its dates a target has the price of the library. */
  readonly overrides: ReadonlyMap<string, readonly DatedPrice[]>
  /** By provider name: the same object for as long as it is reached in the same way. */
  readonly providerOf: (name: string) => PricedProvider | undefined
}

/** Version of the price library, noted with each row it priced. A test compares it with the installed one. */
export const libraryVersion = 'genai-prices/0.1.8'

/** Names under which providers are configured, where the library has another. */
const libraryNames: Readonly<Record<string, string>> = { xai: 'x-ai', gemini: 'google', vertex: 'google' }

/** The library's prices change on whole minutes at the finest (`HH:MM:SSZ` windows and dates), so one look per minute does. */
const minuteMs = 60_000
/** Prices remembered before all are forgotten. */
const rememberedPrices = 5_000

/** Kinds whose calls cost nothing. */
const freeKinds: ReadonlySet<PricedProvider['kind']> = new Set(['demo', 'ollama', 'local'])

const localPrice: Price = {
  inputPerMillion: 0n,
  cachedInputPerMillion: 0n,
  cacheWritePerMillion: 0n,
  cacheWriteHourPerMillion: 0n,
  outputPerMillion: 0n,
  perRequest: 0n,
  source: 'local',
  version: 'local',
}

type LibraryPrice = ModelPrice[string]

/** Exact nano-USD of a float of the library, by its shortest decimal text; `perThousand` divides by 1,000. */
const nanoOf = (value: number, perThousand = false): NanoUsd => parseUsd(`${value}`, perThousand ? 6 : 9)

const baseOf = (price: LibraryPrice): number | null =>
  price === undefined ? null : typeof price === 'number' ? price : price.base

const startsOf = (price: LibraryPrice): number[] =>
  price === undefined || typeof price === 'number' ? [] : price.tiers.map(({ start }) => start)

/** The library's rule: the last tier whose start the input exceeds counts for all tokens of the call. */
const valueAbove = (price: LibraryPrice, start: number): number | null => {
  if (price === undefined || typeof price === 'number') return baseOf(price)
  const reached = price.tiers.filter((tier) => tier.start <= start).sort((a, b) => a.start - b.start)
  return reached.at(-1)?.price ?? price.base
}

const ratesFrom = (price: ModelPrice, pick: (value: LibraryPrice) => number | null): Rates => {
  const input = pick(price['input_mtok']) ?? 0
  const written = pick(price['cache_write_mtok']) ?? input
  return {
    inputPerMillion: nanoOf(input),
    cachedInputPerMillion: nanoOf(pick(price['cache_read_mtok']) ?? input),
    cacheWritePerMillion: nanoOf(written),
    cacheWriteHourPerMillion: nanoOf(pick(price['cache_write_1h_mtok']) ?? written),
    outputPerMillion: nanoOf(pick(price['output_mtok']) ?? 0),
  }
}

/** Everything of a price that is per token, as the library names it. */
const tokenUnits = ['input_mtok', 'cache_read_mtok', 'cache_write_mtok', 'cache_write_1h_mtok', 'output_mtok'] as const

const ofLibrary = { source: 'library', version: libraryVersion } as const

const noMedia: MediaPrice = {
  inputPerMillion: null,
  outputPerMillion: null,
  images: new Map(),
  image: null,
  audioHour: null,
  charactersPerMillion: null,
}

/** What the library knows of pictures and audio; of a model it says one of both. */
const mediaFromLibrary = (price: ModelPrice): MediaPrice | undefined => {
  const pick = (...units: readonly string[]): NanoUsd | null => {
    const found = units.map((unit) => baseOf(price[unit])).find((value) => value !== null)
    return found === undefined ? null : nanoOf(found)
  }
  const input = pick('input_image_mtok', 'input_audio_mtok')
  const output = pick('output_image_mtok', 'output_audio_mtok')
  const audioHour = pick('input_audio_hours', 'audio_hours')
  if (input === null && output === null && audioHour === null) return undefined
  return { ...noMedia, inputPerMillion: input, outputPerMillion: output, audioHour }
}

const fromLibrary = (price: ModelPrice, target: Target): Price | SteppedPrice | null => {
  const { input_mtok: input, output_mtok: output, requests_kcount: requests } = price
  const media = mediaFromLibrary(price)
  // A price in other units only (audio) says nothing of tokens, and silence is not zero.
  if (input === undefined || (output === undefined && !target.operations.includes('embeddings')))
    return media === undefined || media.audioHour === null
      ? null
      : { ...localPrice, lacksTokens: true, media, ...ofLibrary }
  const starts = new Set(tokenUnits.flatMap((unit) => startsOf(price[unit])))
  const steps: PriceStep[] = [...starts]
    .sort((a, b) => a - b)
    .map((above) => ({ above, ...ratesFrom(price, (value) => valueAbove(value, above)) }))
  const flat: Price = {
    ...ratesFrom(price, baseOf),
    perRequest: nanoOf(baseOf(requests) ?? 0, true),
    ...(media !== undefined && { media }),
    ...ofLibrary,
  }
  return steps.length === 0 ? flat : { ...flat, steps }
}

const fromOverride = (override: PriceOverride): Price => {
  const { input = 0n, output = 0n, cachedInput = input, cacheWrite = input, perRequest = 0n, media } = override
  const { cacheWriteHour = cacheWrite } = override
  const written =
    override.cacheWrite === undefined && override.cacheWriteHour === undefined ? [] : [cacheWrite, cacheWriteHour]
  const lacksTokens = override.input === undefined || override.output === undefined
  const { images, ...rates } = media ?? { images: [] }
  const told = [
    ...[input, cachedInput, output, perRequest, ...written],
    ...(lacksTokens ? ['no tokens'] : []),
    ...[...images, ...Object.entries(rates)].flat(),
  ]
  const digest = createHash('sha256').update(told.join()).digest('hex')
  return {
    inputPerMillion: input,
    cachedInputPerMillion: cachedInput,
    cacheWritePerMillion: cacheWrite,
    cacheWriteHourPerMillion: cacheWriteHour,
    outputPerMillion: output,
    perRequest,
    ...(lacksTokens && { lacksTokens }),
    ...(media !== undefined && { media }),
    source: 'configuration',
    version: `configuration/${digest.slice(0, 8)}`,
  }
}

/** Kinds that are one provider each, by the library's names. */
const libraryKinds: Readonly<Partial<Record<PricedProvider['kind'], string>>> = {
  anthropic: 'anthropic',
  azure: 'azure',
  bedrock: 'aws',
  gemini: 'google',
}

/** The library's id of a provider: by the address it is called at, else by its exact name; null when it knows neither. */
const libraryProvider = (name: string, { kind, baseUrl }: PricedProvider): string | null => {
  const ofKind = libraryKinds[kind]
  if (ofKind !== undefined) return ofKind
  if (kind !== 'openai') return null
  const byAddress = baseUrl === undefined ? undefined : findProvider({ providerApiUrl: baseUrl })
  if (byAddress) return byAddress.id
  const wanted = libraryNames[name] ?? name
  return findProvider({ providerId: wanted })?.id === wanted ? wanted : null
}

/**
 * Finds what a target costs at a time: configuration first, then an explicit zero for local engines (demo, Ollama), then
 * the library as installed; null when nobody knows. Never fetches.
 */
export const createPrices = ({ overrides, providerOf }: PricesOptions) => {
  const configured = new Map(
    [...overrides].map(([name, dated]) => [
      name,
      dated.map(({ from, price }) => ({ from, price: fromOverride(price) })).sort((a, b) => b.from - a.from),
    ]),
  )
  const libraryIds = new WeakMap<PricedProvider, string | null>()
  const remembered = new Map<string, Price | null>()

  const libraryIdOf = (name: string, provider: PricedProvider): string | null => {
    const known = libraryIds.get(provider)
    if (known !== undefined) return known
    const id = libraryProvider(name, provider)
    libraryIds.set(provider, id)
    return id
  }

  const lookUp = (target: Target, providerId: string, at: number): Price | null => {
    const found = calcPrice({}, target.model, { providerId, timestamp: new Date(at) })
    return found ? fromLibrary(found.model_price, target) : null
  }

  const find = (target: Target, at: number): Price | null => {
    const dated = configured.get(target.name)
    if (dated) for (const { from, price } of dated) if (from <= at) return price
    const provider = providerOf(target.provider)
    if (provider === undefined) return null
    if (freeKinds.has(provider.kind) || provider.isFound === true) return localPrice
    const providerId = libraryIdOf(target.provider, provider)
    if (providerId === null) return null
    const key = `${Math.floor(at / minuteMs)} ${providerId} ${target.name}`
    let price = remembered.get(key)
    if (price === undefined) {
      price = lookUp(target, providerId, at)
      if (remembered.size >= rememberedPrices) remembered.clear()
      remembered.set(key, price)
    }
    return price
  }

  /** `at` in milliseconds since the epoch; null too where the price says nothing of what the operation is paid by. */
  return (target: Target, at: number, operation: Operation): Price | null => {
    const price = find(target, at)
    return price !== null && coversOperation(price, operation) ? price : null
  }
}
