import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const name = Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })

/** Body of `POST /admin/v1/cache/purge`: what is absent does not matter. */
export const PurgeCacheSchema = Type.Object(
  { project: Type.Optional(name), key_id: Type.Optional(name), user: Type.Optional(name) },
  { ...closed, title: 'PurgeCache' },
)
export type PurgeCache = Static<typeof PurgeCacheSchema>

/** How many answers were forgotten, where they are kept for all replicas; else of the process that answered. */
export const PurgedCacheSchema = Type.Object(
  { object: Type.Literal('cache_purge'), purged: Type.Integer({ minimum: 0 }) },
  { ...closed, title: 'PurgedCache' },
)
