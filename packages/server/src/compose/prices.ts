import type { GivenPrice, GivenPrices } from '@headgate/contract/recompute.ts'
import { dateProblems, timeOfDate } from '../config/date-faults.ts'
import type { Config } from '../config/schema.ts'
import { parseUsd } from '../domain/money.ts'
import type { MediaPrice } from '../domain/price.ts'
import type { PriceCall } from '../features/ledger/recompute.ports.ts'
import { createMetering } from '../features/metering/metering.ts'
import type { DatedPrice, PriceOverride, PricesOptions } from '../features/metering/prices.ts'
import { AppError } from '../kernel/errors.ts'
import { targetNamed } from './options.ts'

type Configured = NonNullable<Config['models'][string]['price']>

const minutesPerHour = 60n

/** What images and audio cost, where the configuration says anything of it. */
const mediaPriceOf = (price: Configured): { media?: MediaPrice } => {
  const { image, images, audio_minute: minute, characters, media_input: input, media_output: output } = price
  if ([image, images, minute, characters, input, output].every((rate) => rate === undefined)) return {}
  return {
    media: {
      inputPerMillion: input ?? null,
      outputPerMillion: output ?? null,
      images: new Map(Object.entries(images ?? {})),
      image: image ?? null,
      audioHour: minute === undefined ? null : minute * minutesPerHour,
      charactersPerMillion: characters ?? null,
    },
  }
}

const overrideOf = (price: Configured): PriceOverride => ({
  ...(price.input !== undefined && { input: price.input }),
  ...(price.output !== undefined && { output: price.output }),
  ...(price.cached_input !== undefined && { cachedInput: price.cached_input }),
  ...(price.cache_write !== undefined && { cacheWrite: price.cache_write }),
  ...(price.cache_write_1h !== undefined && { cacheWriteHour: price.cache_write_1h }),
  ...(price.per_request !== undefined && { perRequest: price.per_request }),
  ...mediaPriceOf(price),
})

/** Configured prices by target, each from its date on. */
export const priceOverrides = ({ models }: Pick<Config, 'models'>): Map<string, readonly DatedPrice[]> =>
  new Map(
    Object.entries(models).flatMap(([name, { price, prices = {} }]) => {
      const dated = Object.entries(prices).map(([date, from]) => ({ from: timeOfDate(date), price: overrideOf(from) }))
      const always = price === undefined ? [] : [{ from: Number.NEGATIVE_INFINITY, price: overrideOf(price) }]
      return dated.length + always.length === 0 ? [] : [[name, [...always, ...dated]] as const]
    }),
  )

const mapPrice = (price: GivenPrice): Configured =>
  Object.fromEntries(Object.entries(price).map(([name, value]) => [name, parseUsd(String(value))])) as Configured

const readGiven = (given: GivenPrices): Config['models'] =>
  Object.fromEntries(
    Object.entries(given).map(([name, { price, prices = {} }]) => {
      const [wrong] = dateProblems(Object.keys(prices))
      if (wrong) {
        const location = `prices.${name}.prices.${wrong.date}`
        throw new AppError('invalid_parameter', {
          detail: `${location} ${wrong.problem}.`,
          details: [{ location, message: wrong.problem, fix: 'Write a day such as 2026-07-01.' }],
        })
      }
      return [
        name,
        {
          ...(price && { price: mapPrice(price) }),
          prices: Object.fromEntries(Object.entries(prices).map(([date, from]) => [date, mapPrice(from)])),
        },
      ]
    }),
  )

/** Prices calls by what is configured now, those given standing in the place of their models’. */
export const createPricing =
  (config: () => Pick<Config, 'models'>, providerOf: PricesOptions['providerOf']) =>
  (given: GivenPrices): PriceCall => {
    const overrides = new Map([...priceOverrides(config()), ...priceOverrides({ models: readGiven(given) })])
    const { priceOf, costOf } = createMetering({ overrides, providerOf })
    return (target, operation, usage, at) => {
      const price = priceOf({ ...targetNamed(target), operations: [operation] }, at, operation)
      return price && { cost: costOf(price, usage), version: price.version }
    }
  }
