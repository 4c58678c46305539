import { Type } from 'typebox'
import { count, group, money, rate } from './schema-parts.ts'

/** What the configuration says of one tier. */
export const TierSchema = group(
  {
    requests: rate('Token bucket of requests per key, or per person where a token proves one.'),
    tokens_per_minute: Type.Optional(count('Tokens, in and out, that come back per minute and key.')),
    concurrent: Type.Optional(count('Calls of one key that may be under way at once.')),
    priority: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 4,
        description:
          'Who is refused last under overload and served most often in line: 4; first and least: 1. Shipped: anonymous 1, free 2, pro 3, internal 4.',
      }),
    ),
    usd_per_day: Type.Optional(money('Most that one key may spend in any 24 hours.')),
    max_output_tokens: Type.Optional(count('Most tokens one answer may have.')),
    asset_bytes: Type.Optional(
      count('Most bytes of assets of one person, or of a project itself; absent: `assets.owner_bytes`.'),
    ),
    models: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Models that may be called; absent: all.' }),
    ),
  },
  'What the keys of one tier may do.',
)
