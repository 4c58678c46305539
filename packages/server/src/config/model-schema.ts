import { Type } from 'typebox'
import { mediaPrices } from './media-schema.ts'
import { modelTerms } from './provenance-schema.ts'
import { modelTraits } from './routes-schema.ts'
import { count, datePattern, group, money, named } from './schema-parts.ts'

const priceOptions = {
  input: Type.Optional(money('USD per million input tokens.')),
  output: Type.Optional(money('USD per million output tokens.')),
  cached_input: Type.Optional(money('USD per million input tokens read from the cache of the provider.')),
  cache_write: Type.Optional(money('USD per million input tokens written to that cache; absent: as `input`.')),
  cache_write_1h: Type.Optional(
    money('USD per million input tokens kept there for an hour; absent: as `cache_write`.'),
  ),
  per_request: Type.Optional(money('USD per call.')),
  ...mediaPrices,
}

/** What the configuration says of one model. */
export const ModelSchema = group(
  {
    price: Type.Optional(
      group(priceOptions, 'Overrides the price library; with `prices`, what holds until the first of their dates.'),
    ),
    prices: Type.Optional(
      named(datePattern, group(priceOptions, 'What holds from this date on, until the next.'), {
        description:
          'Prices by the date from which they hold: a day, which begins at midnight UTC, or a time such as 2026-07-01T15:00Z.',
      }),
    ),
    max_output_tokens: Type.Optional(count('Most tokens one answer can have.')),
    context_tokens: Type.Optional(count('Most tokens of prompt and answer together.')),
    ...modelTraits,
    ...modelTerms,
  },
  'What is known of one model.',
)
