import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const idPattern = (prefix: string) => `^${prefix}_[0-9A-Z]{26}$`
const count = (description: string) => Type.Integer({ minimum: 0, description })
const second = (description: string) => Type.Integer({ description: `${description}, in seconds since 1970.` })

/** Path of an asset. */
export const AssetPathSchema = Type.Object({
  asset_id: Type.String({ description: '`id` of the asset.', examples: ['asset_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

/** Path of an upload. */
export const UploadPathSchema = Type.Object({
  upload_id: Type.String({ description: 'Last part of `Location`.', examples: ['upload_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

/** Metadata of an asset: at most 16 members. */
export const AssetMetadataSchema = Type.Record(
  Type.String({ pattern: '^[^\\u0000]{1,64}$' }),
  Type.String({ maxLength: 512, pattern: '^[^\\u0000]*$' }),
  { maxProperties: 16, additionalProperties: false, description: 'Words of your own, 16 at most.' },
)

const name = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[^\\u0000-\\u001f\\u007f]+$',
  description: 'Name for people; no path.',
})

const anew = {
  metadata: Type.Optional(
    Type.Enum(['strip'], {
      description:
        '`strip`: a picture is written anew, upright and in sRGB, without anything that it says beside what is seen, such as places and names.',
    }),
  ),
  format: Type.Optional(
    Type.Enum(['png', 'jpeg', 'webp', 'avif'], { description: 'Format that a picture is written in anew.' }),
  ),
}

/** Query of `PUT /v1/assets/{id}/content`. */
export const ReplaceAssetQuerySchema = Type.Object(anew, closed)
export type ReplaceAssetQuery = Static<typeof ReplaceAssetQuerySchema>

/** Query of `POST /v1/assets`. */
export const CreateAssetQuerySchema = Type.Object({ name: Type.Optional(name), ...anew }, closed)
export type CreateAssetQuery = Static<typeof CreateAssetQuerySchema>

/** Body of `PATCH /v1/assets/{id}`. */
export const ChangeAssetSchema = Type.Object(
  { name: Type.Optional(name), metadata: Type.Optional(AssetMetadataSchema) },
  { ...closed, title: 'ChangeAsset', examples: [{ name: 'photo.jpg', metadata: { album: 'sea' } }] },
)
export type ChangeAsset = Static<typeof ChangeAssetSchema>

/** Query of `GET /v1/assets`. */
export const AssetListQuerySchema = Type.Object(
  {
    after: Type.Optional(
      Type.String({ maxLength: 64, pattern: idPattern('asset'), description: '`last_id` of the page before.' }),
    ),
    limit: Type.Optional(
      Type.String({ maxLength: 5, pattern: '^[1-9]\\d{0,4}$', description: 'How many; 20 unless told, 100 at most.' }),
    ),
  },
  closed,
)
export type AssetListQuery = Static<typeof AssetListQuerySchema>

const version = Type.Optional(
  Type.String({ maxLength: 9, pattern: '^[1-9]\\d{0,8}$', description: 'Which version; the present one unless told.' }),
)

/** Query of `GET /v1/assets/{id}/text`. */
export const AssetTextQuerySchema = Type.Object({ version }, closed)

/** Query of `GET /v1/assets/{id}/content`. */
export const AssetContentQuerySchema = Type.Object(
  {
    version,
    disposition: Type.Optional(
      Type.Enum(['attachment', 'inline'], {
        description: '`inline`: pictures, sound and video may be shown in a page; everything else stays an attachment.',
      }),
    ),
  },
  closed,
)
export type AssetContentQuery = Static<typeof AssetContentQuerySchema>

/** Query of `GET /v1/assets/{id}/thumbnail`. */
export const AssetThumbnailQuerySchema = Type.Object(
  {
    version,
    width: Type.Optional(
      Type.Enum(['64', '128', '256', '512', '1024'], {
        description: 'How wide and high it is at most, in pixels; 256 unless told.',
      }),
    ),
  },
  closed,
)
export type AssetThumbnailQuery = Static<typeof AssetThumbnailQuerySchema>

const content = {
  version: Type.Integer({ minimum: 1 }),
  bytes: count('Length of the content.'),
  type: Type.String({ description: 'As the content shows, whatever was claimed.' }),
  charset: Type.Union([Type.String(), Type.Null()], { description: 'Of a text: its encoding, as detected.' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the content; its ETag too.' }),
  scanned: Type.Boolean({ description: 'Whether a scanner has found nothing in it.' }),
}

/** An asset in its present version. */
export const AssetSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('asset'),
    name,
    metadata: AssetMetadataSchema,
    ...content,
    created_at: second('When its first version was made'),
    updated_at: second('When its present version was made, or its name or metadata changed'),
  },
  { ...closed, title: 'Asset' },
)
export type AssetView = Static<typeof AssetSchema>

/** One version of an asset. */
export const AssetVersionSchema = Type.Object(
  { object: Type.Literal('asset.version'), ...content, created_at: second('When it was made') },
  { ...closed, title: 'AssetVersion' },
)
export type AssetVersionView = Static<typeof AssetVersionSchema>

/** Answer of `GET /v1/assets/{id}/versions`. */
export const AssetVersionsSchema = Type.Object(
  { object: Type.Literal('list'), data: Type.Array(AssetVersionSchema) },
  { ...closed, title: 'AssetVersions' },
)

/** Answer of `GET /v1/assets`. */
export const AssetListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(AssetSchema),
    first_id: Type.Union([Type.String(), Type.Null()]),
    last_id: Type.Union([Type.String(), Type.Null()]),
    has_more: Type.Boolean(),
  },
  { ...closed, title: 'AssetList' },
)

/** Answer of `GET /v1/assets/limits`. */
export const AssetLimitsSchema = Type.Object(
  {
    object: Type.Literal('asset.limits'),
    used_bytes: count('What versions and open uploads take.'),
    limit_bytes: count('Most that they may take.'),
    max_bytes: count('Largest content.'),
  },
  { ...closed, title: 'AssetLimits' },
)

/** Answer of `DELETE /v1/assets/{id}`. */
export const AssetDeletedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('asset'), deleted: Type.Literal(true) },
  { ...closed, title: 'AssetDeleted' },
)

/** Body of `POST /v1/assets/{id}/url`. */
export const CreateAssetUrlSchema = Type.Object(
  {
    expires_in: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 604_800,
        description: 'Seconds that it opens; 3,600 unless told, a week at most.',
      }),
    ),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Which version; the present one unless told.' })),
    disposition: Type.Optional(
      Type.Enum(['attachment', 'inline'], {
        description: '`inline`: pictures, sound and video may be shown in a page.',
      }),
    ),
  },
  { ...closed, title: 'CreateAssetUrl', examples: [{ expires_in: 600, disposition: 'inline' }] },
)
export type CreateAssetUrl = Static<typeof CreateAssetUrlSchema>

/** Answer of `POST /v1/assets/{id}/url`. */
export const AssetUrlSchema = Type.Object(
  { object: Type.Literal('asset.url'), url: Type.String(), expires_at: second('When it opens no more') },
  { ...closed, title: 'AssetUrl' },
)

/** Path of a signed address. */
export const SignedPathSchema = Type.Object({
  sha256: Type.String({ description: 'SHA-256 of the content.' }),
  token: Type.String({ description: 'What was signed, and the signature.' }),
})

/** The bytes of a content, or of a part of one. */
export const AssetContentSchema = Type.String({ format: 'binary', title: 'AssetContent' })

/** An upload as it stands. */
export const UploadSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('upload'),
    asset_id: Type.Union([Type.String(), Type.Null()], {
      description: 'The asset that it becomes; null of a part of another upload.',
    }),
    version: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      description: 'The version that it has become; null until then.',
    }),
    length: count('Bytes that it will have.'),
    offset: count('Bytes that are kept.'),
    expires_at: second('When it will be erased unless it goes on'),
  },
  { ...closed, title: 'Upload' },
)
export type UploadView = Static<typeof UploadSchema>

/** An answer without a body. */
export const NothingSchema = Type.String({ maxLength: 0, title: 'Nothing' })
