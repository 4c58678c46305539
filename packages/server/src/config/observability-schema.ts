import { logComponents, logLevels } from '@headgate/contract/log-levels.ts'
import { Type } from 'typebox'
import { group } from './schema-parts.ts'

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

/** Which requests are told in the log because they took too long. */
export const SlowLogSchema = group(
  {
    overhead_ms: whole(0, 86_400_000, 1_000, 'Headgate’s own part of a request from which on it is told; 0: never.'),
    first_byte_ms: whole(
      0,
      86_400_000,
      0,
      'First byte of a stream from which on it is told; 0: only objectives decide.',
    ),
    duration_ms: whole(
      0,
      86_400_000,
      0,
      'Whole answer from which on it is told, streams excepted; 0: only objectives decide.',
    ),
    per_minute: whole(0, 6_000, 60, 'Most lines per minute and process; all are counted.'),
  },
  'Slow requests in the log.',
)

/** How traces are made. */
export const TracesSchema = group(
  {
    sample_percent: whole(0, 100, 100, 'Share of the traces that are exported.'),
    trusted_fronts: Type.Array(Type.String({ 'x-check': 'cidr' }), {
      default: [],
      description: 'Addresses or CIDR ranges of gates whose traces go on here; other callers’ traces become links.',
    }),
    propagate_to: Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' }), {
      default: [],
      description: 'Providers that are told our trace by `traceparent`, such as your own engines. None by default.',
    }),
  },
  'Traces.',
)

/** What is logged. */
export const LogSchema = group(
  {
    level: Type.Enum([...logLevels], { default: 'info', description: 'Least severe level written.' }),
    levels: Type.Record(
      Type.String({ pattern: `^(${logComponents.join('|')})$` }),
      Type.Enum([...logLevels], { description: 'Least severe level written of this component.' }),
      {
        additionalProperties: false,
        description: `Levels of single components where they differ: ${logComponents.join(', ')}.`,
      },
    ),
  },
  'Logs.',
)

const address = (description: string) => Type.Optional(Type.String({ 'x-check': 'http-url', description }))

const headers = (description: string) =>
  Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), Type.String({ 'x-secret': true }), {
    additionalProperties: false,
    description,
  })

/** Where telemetry is sent; nothing leaves that is not named here. */
export const SinksSchema = group(
  {
    traces_url: address('Receiver of traces by OTLP/HTTP in JSON, such as `http://127.0.0.1:4318/v1/traces`.'),
    traces_headers: headers('Headers added there, such as a key.'),
    zipkin_url: address('Receiver of traces in the format of Zipkin, such as `http://127.0.0.1:9411/api/v2/spans`.'),
    zipkin_headers: headers('Headers added there.'),
    logs_url: address('Receiver of log lines by OTLP/HTTP in JSON, such as `http://127.0.0.1:4318/v1/logs`.'),
    logs_headers: headers('Headers added there.'),
  },
  'Receivers of telemetry.',
)

/** Whose bodies are logged. Off unless projects are named. */
export const BodyLogSchema = group(
  {
    projects: Type.Array(Type.String({ pattern: '^(\\*|[A-Za-z0-9_-]{1,128})$' }), {
      default: [],
      description: 'Projects whose prompts and answers are kept, redacted and sealed; `*` for all. None by default.',
    }),
    operations: Type.Array(Type.Enum(['chat', 'embeddings']), {
      default: ['chat', 'embeddings'],
      description: 'Which of their calls: chat, embeddings.',
    }),
    max_bytes: whole(256, 1_048_576, 65_536, 'Longest body kept; what is longer is cut.'),
    keep_days: whole(1, 365, 7, 'Days that bodies stay.'),
    redact: Type.Array(Type.String({ minLength: 1, maxLength: 500, 'x-check': 'regular-expression' }), {
      default: [],
      description:
        'Regular expressions of what is taken out, beside keys, e-mail addresses, card numbers and the like.',
    }),
  },
  'Log of bodies.',
)
