import { type Static, type TSchema, Type } from 'typebox'
import { PageLimitSchema, pageSchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const nullable = <Schema extends TSchema>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
const time = Type.String({ format: 'date-time' })

/** Kinds of keys and secrets that a house uses, in the order in which the register tells them. */
export const keyKinds = [
  'root_key',
  'encryption_key',
  'data_key',
  'pepper',
  'derived_key',
  'admin_key',
  'operator_session',
  'user_secret',
  'provider_key',
  'configured_secret',
  'audit_key',
  'provenance_root',
  'certificate',
  'api_key',
] as const
export type KeyKind = (typeof keyKinds)[number]

/** How a key stands: the states of NIST SP 800-57 Part 1, section 7, and what a change-over and an end look like from outside. */
export const keyStandings = [
  'pre-activation',
  'active',
  'retiring',
  'suspended',
  'deactivated',
  'expired',
  'revoked',
  'destroyed',
] as const
export type KeyStanding = (typeof keyStandings)[number]

/** Whether somebody has to act. */
export const keyDues = ['no', 'soon', 'overdue'] as const
export type KeyDue = (typeof keyDues)[number]

/** One key of the register; never the key itself. */
export const RegisteredKeySchema = Type.Object(
  {
    object: Type.Literal('registered_key'),
    kind: Type.Enum([...keyKinds]),
    id: Type.String({ description: 'Names it within its kind.' }),
    label: Type.String({ description: 'What people call it.' }),
    owner: Type.String({ description: 'The project or operator whose it is; `house` for Headgate’s own.' }),
    state: Type.Enum([...keyStandings], {
      description:
        '`retiring`: a newer one took over, and this one holds until its overlap ends. `deactivated`: protects nothing new, and still opens or verifies what it protected.',
    }),
    created_at: nullable(time, 'When it was made, or first seen where it is configured; null: not known.'),
    last_used_at: nullable(time, 'To the hour; null: not since this is noted.'),
    expires_at: nullable(time, 'When it ends by itself.'),
    rotation_due_at: nullable(time, 'When it should be replaced, by `key_rotation`; null: no schedule.'),
    due: Type.Enum([...keyDues], {
      description:
        '`soon`: an end or a rotation within `key_rotation.warn_days`. `overdue`: it should be replaced now.',
    }),
    uses: nullable(
      Type.Integer({ minimum: 0 }),
      'What depends on it: data keys that it wraps, messages sealed, hashes.',
    ),
    note: nullable(Type.String(), 'What else is to be known.'),
  },
  { title: 'RegisteredKey' },
)
export type RegisteredKey = Static<typeof RegisteredKeySchema>

export const RegisteredKeyPageSchema = pageSchema(RegisteredKeySchema, 'RegisteredKeyPage')

/** Query of `GET /admin/v1/key-lifecycle`. */
export const KeyLifecycleQuerySchema = Type.Object(
  {
    limit: PageLimitSchema,
    after: Type.Optional(
      Type.String({ pattern: '^[a-z_]{1,32}:[\\x21-\\x7e]{0,400}$', description: '`next_cursor` of the page before.' }),
    ),
    kind: Type.Optional(Type.Enum([...keyKinds], { description: 'Of this kind only.' })),
    state: Type.Optional(Type.Enum([...keyStandings], { description: 'In this state only.' })),
    due: Type.Optional(Type.Enum([...keyDues], { description: 'Those that are due soon, or overdue.' })),
  },
  closed,
)
export type KeyLifecycleQuery = Static<typeof KeyLifecycleQuerySchema>

/** Answer of `GET /admin/v1/key-lifecycle/summary`. */
export const KeySummarySchema = Type.Object(
  {
    object: Type.Literal('key_summary'),
    at: time,
    overdue: Type.Integer({ minimum: 0 }),
    soon: Type.Integer({ minimum: 0 }),
    kinds: Type.Array(
      Type.Object({
        kind: Type.Enum([...keyKinds]),
        keys: Type.Integer({ minimum: 0, description: 'All there are, those that have ended among them.' }),
        active: Type.Integer({ minimum: 0 }),
        retiring: Type.Integer({ minimum: 0 }),
        soon: Type.Integer({ minimum: 0 }),
        overdue: Type.Integer({ minimum: 0 }),
        next_due_at: nullable(time, 'The next end or rotation of any; in the past where one is overdue.'),
        rotation_days: nullable(
          Type.Integer({ minimum: 1 }),
          'Days after which one should be replaced; null: no schedule.',
        ),
      }),
    ),
  },
  { title: 'KeySummary' },
)
export type KeySummary = Static<typeof KeySummarySchema>
