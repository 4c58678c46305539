import { currencyOf } from '../compose/currency.ts'
import type { Config } from '../config/schema.ts'
import { convert, type CurrencyRate, displayed, rateAt } from '../domain/currency.ts'
import { formatUsd, parseUsd } from '../domain/money.ts'

/** How a command shows amounts: in USD, and in the configured currency where there is one. */
export interface Shown {
  readonly rate: CurrencyRate | null
  /** An amount of USD for a person: `1.5 (1.38 EUR)`. */
  readonly text: (amountUsd: string) => string
  /** A JSON answer, as the admin API gives it. */
  readonly json: (value: unknown) => unknown
}

/** In USD alone. */
export const inUsd: Shown = { rate: null, text: (amount) => amount, json: (value) => value }

/** By the rate of now. */
export const shownBy = (config: Pick<Config, 'currency'>): Shown => {
  const currency = currencyOf(config)
  const rate = currency && rateAt(currency, Date.now())
  if (rate === null) return inUsd
  return {
    rate,
    text: (amount) => `${amount} (${formatUsd(convert(parseUsd(amount), rate))} ${rate.code})`,
    json: (value) => displayed(value, rate),
  }
}

/** The rate as a line of a record; nothing without a currency. */
export const rateLine = ({ rate }: Shown): readonly (readonly [string, string])[] =>
  rate ? [['rate', `${formatUsd(rate.rate)} ${rate.code} for one USD, from ${rate.date} on`]] : []
