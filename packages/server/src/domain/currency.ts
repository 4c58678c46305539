import { displayName, isAsSet, type ShownCurrency } from '@headgate/contract/currency.ts'
import { formatUsd, type NanoUsd, parseUsd } from './money.ts'

/** The currency in which amounts are shown beside USD. They are kept, limited and charged in USD all the same. */
export interface Currency {
  /** ISO 4217. */
  readonly code: string
  /** Rates and the times from which they hold, milliseconds since the epoch; 10⁻⁹ units of the currency for one USD. */
  readonly rates: readonly { readonly from: number; readonly rate: bigint; readonly date: string }[]
}

/** A currency at the rate of a moment. */
export interface CurrencyRate {
  readonly code: string
  readonly rate: bigint
  readonly date: string
}

const NANO = 1_000_000_000n

/** The rate that holds at a time in milliseconds since the epoch; null before the first. */
export const rateAt = ({ code, rates }: Currency, at: number): CurrencyRate | null => {
  let found: Currency['rates'][number] | null = null
  for (const one of rates) if (one.from <= at && (found === null || one.from > found.from)) found = one
  return found && { code, rate: found.rate, date: found.date }
}

/** An amount in 10⁻⁹ units of the currency, rounded half away from zero. */
export const convert = (amount: NanoUsd, { rate }: CurrencyRate): bigint => {
  const product = (amount < 0n ? -amount : amount) * rate
  const rounded = (product + NANO / 2n) / NANO
  return amount < 0n ? -rounded : rounded
}

/** How the currency of an answer is named. */
export const viewCurrency = ({ code, rate, date }: CurrencyRate): ShownCurrency => ({
  code,
  rate: formatUsd(rate),
  rate_date: date,
})

const walk = (value: unknown, rate: CurrencyRate): unknown => {
  if (Array.isArray(value)) return value.map((one) => walk(one, rate))
  if (typeof value !== 'object' || value === null) return value
  const members: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    members[name] = isAsSet(name) ? one : walk(one, rate)
    const shown = displayName(name)
    if (shown !== null) members[shown] = typeof one === 'string' ? formatUsd(convert(parseUsd(one), rate)) : null
  }
  return members
}

/** A JSON object with every amount of USD in it, a decimal text, also in the currency, and the currency named at its top. */
export const displayed = (value: unknown, rate: CurrencyRate): unknown => {
  const shown = walk(value, rate)
  return typeof shown === 'object' && shown !== null && !Array.isArray(shown)
    ? { ...shown, currency: viewCurrency(rate) }
    : shown
}
