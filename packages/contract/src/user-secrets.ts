import { type Static, Type } from 'typebox'

const nullable = Type.Union([Type.String(), Type.Null()])

/** Body of `POST /admin/v1/projects/:project/user-secret`. */
export const MakeUserSecretSchema = Type.Object(
  {
    overlap_seconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 30 * 86_400, description: 'How long the former secret stays valid; a day.' }),
    ),
  },
  { additionalProperties: false, title: 'MakeUserSecret', examples: [{}, { overlap_seconds: 3600 }] },
)
export type MakeUserSecret = Static<typeof MakeUserSecretSchema>

/** A secret under which a backend signs whom a request is for; shown this once. */
export const UserSecretSchema = Type.Object(
  {
    object: Type.Literal('user_secret'),
    project: Type.String(),
    secret: Type.String({ description: 'Shown this once.' }),
    former_ends_at: nullable,
  },
  {
    title: 'UserSecret',
    examples: [{ object: 'user_secret', project: 'default', secret: 'hg_us_…', former_ends_at: null }],
  },
)

/** Answer of `DELETE /admin/v1/projects/:project/user-secret`. */
export const UserSecretEndedSchema = Type.Object(
  { object: Type.Literal('user_secret'), project: Type.String(), deleted: Type.Literal(true) },
  { title: 'UserSecretEnded' },
)

/** Answer of `GET /admin/v1/projects/:project/user-secret`: the newest first, without what they are. */
export const UserSecretListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object(
        {
          object: Type.Literal('user_secret'),
          project: Type.String(),
          created_at: Type.String(),
          ends_at: Type.Union([Type.String(), Type.Null()], {
            description: 'Of a former one, the end of its overlap.',
          }),
          signs: Type.Boolean({ description: 'False when it has ended, or was made under another root key.' }),
        },
        { additionalProperties: false, title: 'ListedUserSecret' },
      ),
    ),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
  },
  { additionalProperties: false, title: 'UserSecretList' },
)
export type UserSecretList = Static<typeof UserSecretListSchema>
