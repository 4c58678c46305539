import type { Recomputation, RecomputeInput } from '@headgate/contract/recompute.ts'
import { formatUsd } from '../../domain/money.ts'
import { type Usage, noUsage } from '../../domain/usage.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { asUnavailable } from './leases.store.ts'
import { createTally, type Judged } from './recompute-tally.ts'
import type { PriceCall, Recompute, Recomputer, RecomputeOptions } from './recompute.ports.ts'
import { recomputeRoutes } from './recompute.routes.ts'
import {
  type CallCursor,
  type CallFilter,
  type Correction,
  insertCorrections,
  lockRecompute,
  type PricedCallRow,
  readCalls,
} from './recompute.store.ts'

/** Calls of one transaction: few enough that the drain does not wait long for the windows. */
const BATCH = 500
/** What one request of the admin API looks at. */
const MOST_CALLS = 20_000
const LAST_TIME = Date.UTC(9999, 0)

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

const readTime = (name: 'from' | 'to', text: string): Date => {
  const time = Date.parse(text)
  if (Number.isNaN(time) || time < 0 || time > LAST_TIME)
    throw refuse(name, 'is no time', 'Write it as 2026-01-31T00:00:00Z.')
  return new Date(time)
}

const filterOf = ({ from, to, model }: RecomputeInput): CallFilter => {
  const range = { from: readTime('from', from), to: readTime('to', to) }
  if (range.from >= range.to) throw refuse('to', 'is not after from', 'Give the end of the range.')
  if (model === undefined) return { ...range, model: null }
  const isPrefix = model.endsWith('*')
  return { ...range, model: { name: isPrefix ? model.slice(0, -1) : model, isPrefix } }
}

const cursorOf = ({ after }: RecomputeInput, { from }: CallFilter): CallCursor => {
  if (after === undefined) return { at: from, id: '' }
  const split = after.indexOf('_')
  return { at: new Date(Number(after.slice(0, split))), id: after.slice(split + 1) }
}

const usageOf = (row: PricedCallRow): Usage => ({
  ...noUsage,
  inputTokens: Number(row.input_tokens),
  cachedInputTokens: Number(row.cached_input_tokens),
  cacheWriteInputTokens: Number(row.cache_write_input_tokens),
  cacheWriteHourInputTokens: Number(row.cache_write_hour_input_tokens ?? 0n),
  outputTokens: Number(row.output_tokens),
})

/** What pictures and sounds cost hangs on kinds and sizes that no row tells. */
const isOfTokens = ({ operation }: PricedCallRow): boolean => operation === 'chat' || operation === 'embeddings'

/** A call that reached no provider's answer is free, also by a price per call. */
const isFree = (row: PricedCallRow): boolean =>
  row.outcome !== 'complete' && row.first_byte_ms === null && row.input_tokens + row.output_tokens === 0n

const judge = (price: PriceCall, row: PricedCallRow): Judged => {
  const before = row.cost_nano === null && row.corrections === 0n ? null : (row.cost_nano ?? 0n) + row.corrected_nano
  if (!isOfTokens(row)) return { row, before, verdict: 'undetermined' }
  const usage = usageOf(row)
  const at = row.at.getTime()
  const priced = price(row.target, row.operation, usage, at)
  if (priced === null) return { row, before, verdict: 'unpriced' }
  const unknownHours = row.cache_write_hour_input_tokens === null && row.cache_write_input_tokens > 0n
  if (unknownHours) {
    const longest = { ...usage, cacheWriteHourInputTokens: usage.cacheWriteInputTokens }
    if (price(row.target, row.operation, longest, at)?.cost !== priced.cost)
      return { row, before, verdict: 'undetermined' }
  }
  const after = isFree(row) ? 0n : priced.cost
  return { row, before, verdict: 'priced', after, version: priced.version }
}

/** Builds the pricing anew of calls, and its route. */
export const createRecompute = (options: RecomputeOptions): Recompute & Feature => {
  const { database, clock, faultPoints, pricing, audit } = options

  const correct = async (
    transaction: Transaction,
    judged: readonly Judged[],
    reason: string,
    recomputer: Recomputer,
  ) => {
    const corrections = judged.flatMap((one): Correction[] => {
      if (one.verdict !== 'priced' || one.after === one.before) return []
      const { request_id: callId, at } = one.row
      const amount = one.after - (one.before ?? 0n)
      return [{ id: prefixedId('cor', clock.now()), callId, at, amount, priceVersion: one.version }]
    })
    const [first] = corrections
    if (first === undefined) return
    await insertCorrections(transaction, corrections, reason)
    const amount = corrections.reduce((sum, one) => sum + one.amount, 0n)
    await audit.record(transaction, {
      ...recomputer,
      action: 'ledger.recomputed',
      resource: 'ledger',
      after: {
        corrections: corrections.length,
        amount_usd: formatUsd(amount),
        first: first.id,
        price_versions: [...new Set(corrections.map(({ priceVersion }) => priceVersion))].slice(0, 20),
        calls_from: first.at.toISOString(),
        calls_to: corrections.at(-1)?.at.toISOString(),
      },
      reason,
    })
    faultPoints.pass('ledger.before-recompute-commit')
  }

  const run: Recompute['run'] = async (input, recomputer, mostCalls = MOST_CALLS): Promise<Recomputation> => {
    const filter = filterOf(input)
    const price = pricing(input.prices ?? {})
    const { apply = false, reason = 'Priced anew' } = input
    const tally = createTally()
    let cursor = cursorOf(input, filter)
    let looked = 0
    let isLast = false
    const look = async (reading: Read): Promise<readonly Judged[]> =>
      (await readCalls(reading, filter, cursor, Math.min(BATCH, mostCalls - looked))).map((row) => judge(price, row))
    while (!isLast && looked < mostCalls) {
      const wanted = Math.min(BATCH, mostCalls - looked)
      const judged = await batch(database, apply, look, (transaction, found) =>
        correct(transaction, found, reason, recomputer),
      )
      for (const one of judged) tally.add(one)
      looked += judged.length
      isLast = judged.length < wanted
      const last = judged.at(-1)?.row
      if (last) cursor = { at: last.at, id: last.request_id }
    }
    return {
      object: 'recomputation',
      applied: apply,
      from: filter.from.toISOString(),
      to: filter.to.toISOString(),
      ...tally.view(),
      has_more: !isLast,
      next_cursor: isLast ? null : `${cursor.at.getTime()}_${cursor.id}`,
    }
  }

  return { name: 'recompute', routes: recomputeRoutes({ run }), run }
}

/** One page of calls: read, or read and corrected in one transaction, so that what is cut is done again and nothing twice. */
const batch = (
  database: Database,
  apply: boolean,
  look: (reading: Read) => Promise<readonly Judged[]>,
  correct: (transaction: Transaction, judged: readonly Judged[]) => Promise<void>,
): Promise<readonly Judged[]> => {
  const done = apply
    ? database.transaction('system', async (transaction) => {
        await lockRecompute(transaction)
        const judged = await look(transaction)
        await correct(transaction, judged)
        return judged
      })
    : database.read('system', look)
  return done.catch((cause) => {
    throw asUnavailable(cause)
  })
}
