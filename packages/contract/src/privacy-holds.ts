import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description })

/** Body of `POST /admin/v1/privacy/holds`. */
export const CreateHoldSchema = Type.Object(
  {
    project: line(256, 'The project.'),
    user: Type.Optional(
      line(256, 'The name under which the person’s calls were made; absent: everybody of the project.'),
    ),
    reason: line(500, 'Why, for the record and the audit; name nobody in it.'),
    expires_at: Type.String({
      maxLength: 40,
      pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
      description: 'When it ends by itself; RFC 3339, with zone.',
    }),
  },
  {
    ...closed,
    title: 'CreateHold',
    examples: [{ project: 'default', user: 'user-42', reason: 'Case 17', expires_at: '2999-01-01T00:00:00Z' }],
  },
)
export type CreateHold = Static<typeof CreateHoldSchema>

/** A legal hold; whom it is of is not told any more. */
export const LegalHoldSchema = Type.Object(
  {
    object: Type.Literal('legal_hold'),
    id: Type.String(),
    project: Type.String(),
    of: Type.Enum(['person', 'project']),
    reason: Type.String(),
    is_open: Type.Boolean(),
    created_at: Type.String(),
    expires_at: Type.String(),
    released_at: Type.Union([Type.String(), Type.Null()]),
  },
  {
    ...closed,
    title: 'LegalHold',
    examples: [
      {
        object: 'legal_hold',
        id: 'hold_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        project: 'default',
        of: 'person',
        reason: 'Case 17',
        is_open: true,
        created_at: '2026-01-31T09:15:00.000Z',
        expires_at: '2999-01-01T00:00:00.000Z',
        released_at: null,
      },
    ],
  },
)
export type LegalHold = Static<typeof LegalHoldSchema>

/** Query of `GET /admin/v1/privacy/holds`. */
export const LegalHoldPageQuerySchema = Type.Object(
  {
    ...ProjectPageQuerySchema.properties,
    after: Type.Optional(
      Type.String({
        pattern: '^hold_[0-9A-HJKMNP-TV-Z]{26}$',
        description: '`next_cursor` of the page before.',
        examples: ['hold_01KG9V6V80Q3M5YJ8T2N4R7WXA'],
      }),
    ),
  },
  closed,
)
/** Answer of `GET /admin/v1/privacy/holds`. */
export const LegalHoldPageSchema = pageSchema(LegalHoldSchema, 'LegalHoldPage')

/** Path of one hold. */
export const LegalHoldPathSchema = Type.Object({
  hold_id: Type.String({ description: 'Id of the hold.', examples: ['hold_01KG9V6V80Q3M5YJ8T2N4R7WXA'] }),
})
