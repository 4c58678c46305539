import { Type } from 'typebox'
import { group, named } from './schema-parts.ts'

const namePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
const optional = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }))
const route = Type.Optional(
  Type.String({
    pattern: '^/[\\x21-\\x7e]{0,255}$',
    description: 'A route as declared, such as `/v1/embeddings`; absent: all for callers.',
  }),
)

/** What is promised of the answers. */
export const ObjectivesSchema = named(
  namePattern,
  group(
    {
      measure: Type.Enum(['errors', 'upstream_errors', 'duration', 'first_byte'], {
        description: 'What is bad: an error of Headgate, one of a provider, a late answer, a late first byte.',
      }),
      route,
      within_ms: optional(1, 86_400_000, 'Latest good answer, for `duration` and `first_byte`.'),
      target_percent: Type.Number({ minimum: 1, maximum: 99.999, description: 'Share of good answers, such as 99.9.' }),
      window_days: optional(1, 90, 'Days that the share is looked at over; absent: 30.'),
    },
    'A promise.',
  ),
  { description: 'Objectives by name; each is watched by its burn rates. Shipped: availability.' },
)

/** Thresholds that are watched. */
export const AlertsSchema = named(
  namePattern,
  group(
    {
      watch: Type.Enum(['error_percent', 'errors_per_minute', 'requests_per_minute', 'p95_ms'], {
        description: 'The reading.',
      }),
      above: Type.Number({ minimum: 0, maximum: 1e12, description: 'The reading beyond which it fires.' }),
      route,
      provider: Type.Optional(
        Type.String({ pattern: namePattern, description: 'Reads tries at this provider in place of requests.' }),
      ),
      code: Type.Optional(
        Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$', description: 'Counts errors of this code alone.' }),
      ),
      for_minutes: optional(1, 1_440, 'Minutes that are looked at; absent: 5.'),
      least_requests: optional(1, 1_000_000_000, 'Requests in that time below which nothing is said; absent: 20.'),
      severity: Type.Optional(
        Type.Enum(['page', 'ticket'], { description: '`page`: somebody must look at once. Absent: ticket.' }),
      ),
    },
    'A threshold.',
  ),
  { description: 'Alert rules by name.' },
)

/** Who is told. */
export const ReceiversSchema = named(
  namePattern,
  group(
    {
      kind: Type.Enum(['webhook', 'slack', 'email'], { description: 'How it is told.' }),
      url: Type.Optional(
        Type.String({
          'x-secret': true,
          'x-check': 'hook-url',
          description: 'Address of a webhook, or Slack’s for incoming webhooks.',
        }),
      ),
      signing_key: Type.Optional(
        Type.String({ minLength: 16, 'x-secret': true, description: 'Signs what a webhook gets: HMAC-SHA-256.' }),
      ),
      smtp_url: Type.Optional(
        Type.String({
          'x-secret': true,
          'x-check': 'smtp-url',
          description: 'Mail server: `smtps://user:password@host:465`, or `smtp://…`.',
        }),
      ),
      from: Type.Optional(Type.String({ pattern: '^[^\\s<>@]+@[^\\s<>@]+$', description: 'Sender of mails.' })),
      to: Type.Optional(
        Type.Array(Type.String({ pattern: '^[^\\s<>@]+@[^\\s<>@]+$' }), { description: 'Who gets mails.' }),
      ),
      severities: Type.Optional(
        Type.Array(Type.Enum(['page', 'ticket']), { description: 'What it is told of: page, ticket. Absent: both.' }),
      ),
    },
    'A receiver of alerts.',
  ),
  { description: 'Receivers of alerts by name.' },
)
