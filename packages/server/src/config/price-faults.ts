import type { ConfigFault } from './faults.ts'
import { printPath } from './options.ts'
import type { LoadedConfig } from './schema.ts'

/** All prices that are given, and where. */
const pricesOf = ({ models }: LoadedConfig) =>
  Object.entries(models).flatMap(([name, { price, prices = {} }]) => [
    ...(price === undefined ? [] : [{ path: ['models', name, 'price'], price }]),
    ...Object.entries(prices).map(([date, dated]) => ({ path: ['models', name, 'prices', date], price: dated })),
  ])

/** What no schema says of a price: what it prices, it prices whole. */
export const priceFaults = (loaded: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] =>
  pricesOf(loaded).flatMap(({ path, price }) => {
    const say = (problem: string, expected: string): ConfigFault[] => [
      { where: where(path), option: printPath(path), problem, expected },
    ]
    const { input, output, cached_input, cache_write, cache_write_1h, media_input, media_output } = price
    if ((input === undefined) !== (output === undefined))
      return say('has one of input and output', 'both, or neither for what is not priced by tokens')
    if (input === undefined) {
      if ([cached_input, cache_write, cache_write_1h, media_input, media_output].some((rate) => rate !== undefined))
        return say('has rates of tokens without input and output', 'input and output too')
      if (Object.keys(price).length === 0) return say('is empty', 'what the model costs, such as input and output')
    }
    return []
  })
