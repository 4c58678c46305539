import type { ConfigFault } from './faults.ts'
import { printPath } from './options.ts'
import type { LoadedConfig } from './schema.ts'

/** What a date stands for: milliseconds since the epoch, of a day its begin (UTC). */
export const timeOfDate = (date: string): number => Date.parse(date)

/** Dates that the calendar does not have, which would be taken for others, and one time named twice. */
export const dateProblems = (
  dates: readonly string[],
): readonly { readonly date: string; readonly problem: string }[] => {
  const seen = new Set<number>()
  return dates.flatMap((date) => {
    const time = timeOfDate(date)
    if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date.slice(0, 10))
      return [{ date, problem: 'is no day of the calendar' }]
    if (seen.has(time)) return [{ date, problem: 'is the same time as another of these' }]
    seen.add(time)
    return []
  })
}

/** What no schema says of what holds from dates on. */
export const dateFaults = (loaded: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const check = (path: readonly string[], dated: Readonly<Record<string, unknown>>): ConfigFault[] =>
    dateProblems(Object.keys(dated)).map(({ date, problem }) => ({
      where: where([...path, date]),
      option: printPath([...path, date]),
      problem,
      expected: 'a day such as 2026-07-01',
    }))
  const { code, rates } = loaded.currency
  const unpaired =
    (code === undefined) === (Object.keys(rates).length === 0)
      ? []
      : [
          {
            where: where(['currency']),
            option: 'currency',
            problem: code === undefined ? 'has rates and no code' : 'has a code and no rates',
            expected: 'both, such as code: EUR and rates: {2026-01-01: 0.92}',
          },
        ]
  return [
    ...Object.entries(loaded.models).flatMap(([name, { prices = {} }]) => check(['models', name, 'prices'], prices)),
    ...check(['currency', 'rates'], rates),
    ...unpaired,
  ]
}
