import { type Static, Type } from 'typebox'

/** Levels of the log, the most talkative first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export const LogLevelSchema = Type.Enum([...logLevels])
export type LogLevel = (typeof logLevels)[number]

/** Parts of the house that write lines; `http` writes one for each request, `house` what belongs to no other. */
export const logComponents = [
  'http',
  'house',
  'admission',
  'alerts',
  'assets',
  'audit',
  'cache',
  'configuration',
  'conversations',
  'counters',
  'encryption',
  'files',
  'idempotency',
  'identity',
  'keys',
  'kernel',
  'ledger',
  'memories',
  'metering',
  'privacy',
  'provenance',
  'providers',
  'relay',
  'requests',
  'responses',
  'routing',
  'safety',
  'streams',
  'backups',
  'telemetry',
] as const
export type LogComponent = (typeof logComponents)[number]

const closed = { additionalProperties: false } as const
const Components = Object.fromEntries(
  logComponents.map((name) => [name, Type.Optional(Type.Union([LogLevelSchema, Type.Null()]))]),
)

/** Body of `PATCH /admin/v1/log-levels`: what is absent stays, null goes back to the configuration. */
export const UpdateLogLevelsSchema = Type.Object(
  {
    levels: Type.Object(Components, { ...closed, minProperties: 1 }),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })),
  },
  { ...closed, title: 'UpdateLogLevels' },
)
export interface UpdateLogLevels {
  readonly levels: Readonly<Partial<Record<LogComponent, LogLevel | null>>>
  readonly reason?: string
}

/** The level of each part, and what decided it. */
export const LogLevelsSchema = Type.Object(
  {
    object: Type.Literal('log_levels'),
    default: LogLevelSchema,
    components: Type.Array(
      Type.Object(
        {
          component: Type.Enum([...logComponents]),
          level: LogLevelSchema,
          source: Type.Enum(['default', 'configuration', 'operator']),
        },
        { ...closed, title: 'ComponentLogLevel' },
      ),
    ),
  },
  { ...closed, title: 'LogLevels' },
)
export type LogLevels = Static<typeof LogLevelsSchema>
