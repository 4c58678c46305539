import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description })
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const time = (description: string) =>
  Type.String({
    maxLength: 40,
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
    description: `${description}; RFC 3339, with zone.`,
  })
const example = 'brc_01KG9V6V80Q3M5YJ8T2N4R7WXA'
const risk = Type.Enum(['unknown', 'unlikely', 'likely', 'high'], {
  description: 'For the rights of people. unlikely: the authority need not be told; high: people have to be told, too.',
})
const description = Type.String({
  minLength: 1,
  maxLength: 4_000,
  pattern: '^[^\\u0000]*$',
  description: 'What happened, its likely consequences, and what was done; name nobody in it.',
})

/** Body of `POST /admin/v1/privacy/breaches`. */
export const OpenBreachSchema = Type.Object(
  {
    title: line(200, 'What happened, in a line; name nobody in it.'),
    description: Type.Optional(description),
    projects: Type.Optional(
      Type.Array(line(128, 'A project.'), { maxItems: 1_000, description: 'Concerned projects; absent: all.' }),
    ),
    tables: Type.Optional(
      Type.Array(line(63, 'A table.'), {
        maxItems: 200,
        description: 'Concerned tables of the data map; absent: all that name people.',
      }),
    ),
    risk: Type.Optional(risk),
    aware_at: Type.Optional(time('When you became aware of it; absent: now')),
  },
  { ...closed, title: 'OpenBreach', examples: [{ title: 'A backup lay open', projects: ['default'], risk: 'likely' }] },
)
export type OpenBreach = Static<typeof OpenBreachSchema>

/** Body of `PATCH /admin/v1/privacy/breaches/{breach_id}`. */
export const ChangeBreachSchema = Type.Object(
  {
    description: Type.Optional(description),
    risk: Type.Optional(risk),
    notified_at: Type.Optional(time('When the authority was told')),
    reference: Type.Optional(line(200, 'What the authority calls it.')),
    delay_reason: Type.Optional(line(1_000, 'Why the authority was told after the 72 hours.')),
    people_told_at: Type.Optional(time('When the people concerned were told')),
    closed_at: Type.Optional(time('When it was over')),
  },
  { ...closed, title: 'ChangeBreach', examples: [{ notified_at: '2026-01-31T09:15:00Z', reference: 'DE-2026-17' }] },
)
export type ChangeBreach = Static<typeof ChangeBreachSchema>

/** A breach, and its clock. */
export const BreachSchema = Type.Object(
  {
    object: Type.Literal('breach'),
    id: Type.String(),
    title: Type.String(),
    description: nullable('What happened, its likely consequences, and what was done.'),
    projects: Type.Array(Type.String(), { description: 'Concerned projects; none: all.' }),
    tables: Type.Array(Type.String(), { description: 'Concerned tables; none: all that name people.' }),
    risk,
    state: Type.Enum(['due', 'overdue', 'notified', 'not_due', 'closed'], {
      description: 'Whether the authority has to be told, or was.',
    }),
    aware_at: Type.String(),
    notify_by: Type.String({ description: 'When the authority has to know: 72 hours after `aware_at`.' }),
    hours_left: Type.Integer({ description: 'Whole hours until then; negative: since.' }),
    notified_at: nullable('When the authority was told.'),
    reference: nullable('What the authority calls it.'),
    delay_reason: nullable('Why it was told late.'),
    people_told_at: nullable('When the people concerned were told.'),
    closed_at: nullable('When it was over.'),
    affected: Type.Union(
      [
        Type.Object(
          {
            people: Type.Integer({ minimum: 0, description: 'Each person of a project once.' }),
            rows: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { description: 'By table.' }),
          },
          { ...closed, title: 'BreachAffected' },
        ),
        Type.Null(),
      ],
      { description: 'Whom it concerns, counted now by the data map; null in lists.' },
    ),
  },
  {
    ...closed,
    title: 'Breach',
    examples: [
      {
        object: 'breach',
        id: example,
        title: 'A backup lay open',
        description: null,
        projects: ['default'],
        tables: [],
        risk: 'likely',
        state: 'due',
        aware_at: '2026-01-31T09:15:00.000Z',
        notify_by: '2026-02-03T09:15:00.000Z',
        hours_left: 71,
        notified_at: null,
        reference: null,
        delay_reason: null,
        people_told_at: null,
        closed_at: null,
        affected: { people: 12, rows: { conversation_messages: 340 } },
      },
    ],
  },
)
export type Breach = Static<typeof BreachSchema>

const { limit } = ProjectPageQuerySchema.properties
/** Query of `GET /admin/v1/privacy/breaches`. */
export const BreachPageQuerySchema = Type.Object(
  {
    limit,
    after: Type.Optional(
      Type.String({
        pattern: '^brc_[0-9A-HJKMNP-TV-Z]{26}$',
        description: '`next_cursor` of the page before.',
        examples: [example],
      }),
    ),
  },
  closed,
)
/** Answer of `GET /admin/v1/privacy/breaches`. */
export const BreachPageSchema = pageSchema(BreachSchema, 'BreachPage')

/** Path of one breach. */
export const BreachPathSchema = Type.Object({
  breach_id: Type.String({ description: 'Id of the breach.', examples: [example] }),
})
