import { timeOfDate } from '../config/date-faults.ts'
import type { Config } from '../config/schema.ts'
import type { Currency } from '../domain/currency.ts'

/** The configured currency; null where amounts are shown in USD alone. */
export const currencyOf = ({ currency: { code, rates } }: Pick<Config, 'currency'>): Currency | null =>
  code === undefined
    ? null
    : { code, rates: Object.entries(rates).map(([date, rate]) => ({ from: timeOfDate(date), rate, date })) }
