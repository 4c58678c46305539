import { type Static, type TSchema, Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** What callers may upload files for. */
export const uploadPurposes = ['batch', 'vision', 'user_data', 'assistants', 'evals', 'fine-tune'] as const
const purposes = [...uploadPurposes, 'batch_output'] as const
const second = (description: string) => Type.Integer({ description: `${description}, in seconds since 1970.` })

/** Path of a file. */
export const FilePathSchema = Type.Object({
  file_id: Type.String({ description: '`id` of the file.', examples: ['file_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

/** Form of `POST /v1/files`. */
export const FileUploadSchema = Type.Object(
  {
    file: Type.String({ format: 'binary', description: 'The file, not empty.' }),
    purpose: Type.Enum([...uploadPurposes], { description: 'What it is for; `batch` for the input of a batch.' }),
    'expires_after[anchor]': Type.Optional(Type.Literal('created_at')),
    'expires_after[seconds]': Type.Optional(
      Type.Integer({ minimum: 3_600, maximum: 2_592_000, description: 'Absent: it is kept until it is deleted.' }),
    ),
  },
  { title: 'FileUpload' },
)

/** A page of a list in OpenAI's way: `after` names the last one of the page before. */
const page = (prefix: string, most: number) => ({
  after: Type.Optional(
    Type.String({ maxLength: 64, pattern: `^${prefix}_[0-9A-Z]{26}$`, description: '`last_id` of the page before.' }),
  ),
  limit: Type.Optional(
    Type.String({
      maxLength: 5,
      pattern: '^[1-9]\\d{0,4}$',
      description: `How many; 20 unless told, ${most} at most.`,
    }),
  ),
})

/** Query of `GET /v1/files`. */
export const FileListQuerySchema = Type.Object(
  {
    ...page('file', 100),
    order: Type.Optional(Type.Enum(['asc', 'desc'], { description: 'By when they were made; `desc` unless told.' })),
    purpose: Type.Optional(Type.Enum([...purposes])),
  },
  closed,
)
export type FileListQuery = Static<typeof FileListQuerySchema>

/** Query of `GET /v1/batches`. */
export const BatchListQuerySchema = Type.Object(page('batch', 100), closed)
export type BatchListQuery = Static<typeof BatchListQuerySchema>

/** A file, in OpenAI's shape. */
export const FileSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('file'),
    bytes: Type.Integer({ minimum: 0 }),
    created_at: second('When it was made'),
    expires_at: Type.Optional(second('When it will be erased')),
    filename: Type.String(),
    purpose: Type.Enum([...purposes]),
    status: Type.Literal('processed'),
  },
  { ...closed, title: 'File' },
)
export type FileView = Static<typeof FileSchema>

const listOf = <Item extends TSchema>(item: Item, title: string) =>
  Type.Object(
    {
      object: Type.Literal('list'),
      data: Type.Array(item),
      first_id: Type.Union([Type.String(), Type.Null()]),
      last_id: Type.Union([Type.String(), Type.Null()]),
      has_more: Type.Boolean(),
    },
    { ...closed, title },
  )

export const FileListSchema = listOf(FileSchema, 'FileList')

/** Answer of `DELETE /v1/files/{id}`. */
export const FileDeletedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('file'), deleted: Type.Literal(true) },
  { ...closed, title: 'FileDeleted' },
)

/** The bytes of a file. */
export const FileContentSchema = Type.String({ format: 'binary', title: 'FileContent' })

/** What the lines of a batch may call. */
export const batchEndpoints = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/moderations',
] as const
export type BatchEndpoint = (typeof batchEndpoints)[number]

/** Path of a batch. */
export const BatchPathSchema = Type.Object({
  batch_id: Type.String({ description: '`id` of the batch.', examples: ['batch_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

const MetadataSchema = Type.Union([
  Type.Record(Type.String({ pattern: '^[^\\u0000]{1,64}$' }), Type.String({ maxLength: 512 }), {
    maxProperties: 16,
    additionalProperties: false,
  }),
  Type.Null(),
])

/** Body of `POST /v1/batches`. */
export const CreateBatchSchema = Type.Object(
  {
    input_file_id: Type.String({ minLength: 1, maxLength: 64, description: 'A file of the purpose `batch`.' }),
    endpoint: Type.Enum([...batchEndpoints], { description: 'What every line calls.' }),
    completion_window: Type.String({
      maxLength: 5,
      pattern: '^([1-9]\\d{0,3}s|[1-9]\\d{0,3}m|([1-9]\\d?|1[0-5]\\d|16[0-8])h)$',
      description: 'How long the batch may take: `24h`, or other seconds, minutes or hours, `168h` at most.',
    }),
    metadata: Type.Optional(MetadataSchema),
    output_expires_after: Type.Optional(
      Type.Object(
        { anchor: Type.Literal('created_at'), seconds: Type.Integer({ minimum: 3_600, maximum: 2_592_000 }) },
        { ...closed, description: 'When the files of the batch are erased; absent: after `files.output_days`.' },
      ),
    ),
  },
  {
    ...closed,
    title: 'CreateBatch',
    examples: [
      {
        input_file_id: 'file_01J8ZQ6T3V9XK2M4N7P0R5S8WB',
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
      },
    ],
  },
)
export type CreateBatch = Static<typeof CreateBatchSchema>

const counted = Type.Integer({ minimum: 0 })
const time = Type.Union([Type.Integer(), Type.Null()])
const id = Type.Union([Type.String(), Type.Null()])

export const batchStatuses = [
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
] as const
export type BatchStatus = (typeof batchStatuses)[number]

/** A batch, in OpenAI's shape. Times are seconds since 1970. */
export const BatchSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('batch'),
    endpoint: Type.Enum([...batchEndpoints]),
    errors: Type.Union([
      Type.Null(),
      Type.Object(
        {
          object: Type.Literal('list'),
          data: Type.Array(
            Type.Object(
              { code: Type.String(), line: Type.Union([counted, Type.Null()]), message: Type.String(), param: id },
              closed,
            ),
          ),
        },
        closed,
      ),
    ]),
    input_file_id: Type.String(),
    completion_window: Type.String(),
    status: Type.Enum([...batchStatuses]),
    output_file_id: id,
    error_file_id: id,
    created_at: Type.Integer(),
    in_progress_at: time,
    expires_at: time,
    finalizing_at: time,
    completed_at: time,
    failed_at: time,
    expired_at: time,
    cancelling_at: time,
    cancelled_at: time,
    request_counts: Type.Object({ total: counted, completed: counted, failed: counted }, closed),
    metadata: MetadataSchema,
  },
  { ...closed, title: 'Batch' },
)
export type BatchView = Static<typeof BatchSchema>

export const BatchListSchema = listOf(BatchSchema, 'BatchList')
