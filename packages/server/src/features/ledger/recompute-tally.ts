import type { Recomputation } from '@headgate/contract/recompute.ts'
import { formatUsd, type NanoUsd } from '../../domain/money.ts'
import type { PricedCallRow } from './recompute.store.ts'

/** A call, what it has cost so far (null: nothing known), and what it costs by the price of its time. */
export type Judged =
  | { readonly row: PricedCallRow; readonly before: NanoUsd | null; readonly verdict: 'unpriced' | 'undetermined' }
  | {
      readonly row: PricedCallRow
      readonly before: NanoUsd | null
      readonly verdict: 'priced'
      readonly after: NanoUsd
      readonly version: string
    }

interface Sums {
  calls: number
  corrected: number
  unpriced: number
  undetermined: number
  before: NanoUsd
  after: NanoUsd
}

const EXAMPLES = 10

/** Sums up what pricing anew finds, by model. */
export const createTally = () => {
  const models = new Map<string, Sums>()
  const examples: Recomputation['examples'] = []

  const add = (judged: Judged): void => {
    const { row, before, verdict } = judged
    let sums = models.get(row.target)
    if (!sums)
      models.set(row.target, (sums = { calls: 0, corrected: 0, unpriced: 0, undetermined: 0, before: 0n, after: 0n }))
    sums.calls++
    sums.before += before ?? 0n
    if (verdict !== 'priced') {
      sums[verdict]++
      sums.after += before ?? 0n
      return
    }
    sums.after += judged.after
    if (judged.after === before) return
    sums.corrected++
    if (examples.length >= EXAMPLES) return
    examples.push({
      id: row.request_id,
      model: row.target,
      created_at: row.at.toISOString(),
      before_usd: before === null ? null : formatUsd(before),
      after_usd: formatUsd(judged.after),
      price_version: row.price_version,
      new_price_version: judged.version,
    })
  }

  const view = (): Pick<Recomputation, 'data' | 'examples'> => ({
    data: [...models]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([model, { before, after, ...counts }]) => ({
        model,
        ...counts,
        before_usd: formatUsd(before),
        after_usd: formatUsd(after),
        difference_usd: formatUsd(after - before),
      })),
    examples,
  })

  return { add, view }
}
