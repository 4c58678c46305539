import { Type } from 'typebox'
import { datePattern, group, money, named } from './schema-parts.ts'

/** In which currency amounts are shown beside USD. */
export const CurrencySchema = group(
  {
    code: Type.Optional(
      Type.String({
        'x-check': 'currency',
        description: 'ISO 4217 code, such as EUR; absent: amounts are shown in USD alone.',
      }),
    ),
    rates: named(datePattern, money('Units of the currency for one USD, from this date on.'), {
      description: 'Rates by the date from which they hold (UTC), until the next.',
    }),
  },
  'Currency in which amounts are shown beside USD; they are kept, limited and charged in USD.',
)
