import { type TSchema, Type } from 'typebox'

const group = <Properties extends Record<string, TSchema>>(properties: Properties, description: string) =>
  Type.Object(properties, { additionalProperties: false, description })

const whole = (minimum: number, maximum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum, default: value, description })

/** What is kept of requests for operators. */
export const RequestsSchema = group(
  {
    sample_per_minute: whole(
      0,
      100_000,
      600,
      'Ordinary requests kept per minute and process; failed and slow ones always are.',
    ),
    slow_ms: whole(1, 86_400_000, 10_000, 'From this duration on a request is slow.'),
    keep_days: whole(1, 365, 7, 'Days that kept requests stay.'),
    stats_days: whole(1, 365, 30, 'Days that the counts by the minute stay.'),
  },
  'Kept requests and statistics.',
)

/** How traces are made. */
export const TracesSchema = group(
  {
    sample_percent: whole(0, 100, 100, 'Share of the traces that are exported.'),
    trusted_fronts: Type.Array(Type.String({ 'x-check': 'cidr' }), {
      default: [],
      description: 'Addresses or CIDR ranges of gates whose traces go on here; other callers’ traces become links.',
    }),
  },
  'Traces.',
)
