import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const kinds = ['technical', 'person', 'content', 'usage', 'secret', 'operator'] as const
const erasures = ['delete', 'feature', 'unname', 'books', 'stays'] as const

/** How the data map is wanted. */
export const DataMapQuerySchema = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(['json', 'csv'], { description: 'As JSON, or as a table with a row for each column; absent: JSON.' }),
    ),
  },
  closed,
)
export type DataMapQuery = Static<typeof DataMapQuerySchema>

/** A table of the database, and what its columns hold. */
export const DataMapTableSchema = Type.Object(
  {
    object: Type.Literal('data_map_table'),
    table: Type.String(),
    activity: Type.String({ description: 'Which activity of the processing record it belongs to.' }),
    purpose: Type.String(),
    kept: Type.String({ description: 'How long its rows stay.' }),
    person_column: Type.Union([Type.String(), Type.Null()], {
      description: 'The column by which the rows of a person are found.',
    }),
    erasure: Type.Enum([...erasures], {
      description:
        'What the erasure of a person does with their rows: they go (`feature`: with what is kept outside the database); a pseudonym takes the place of the name (in `books` together with all sums); or they stay.',
    }),
    because: Type.Union([Type.String(), Type.Null()], { description: 'Why rows stay, where columns tell of people.' }),
    columns: Type.Array(
      Type.Object({ column: Type.String(), kind: Type.Enum([...kinds]) }, { ...closed, title: 'DataMapColumn' }),
    ),
  },
  {
    ...closed,
    title: 'DataMapTable',
    examples: [
      {
        object: 'data_map_table',
        table: 'conversation_owners',
        activity: 'conversations',
        purpose: 'Whose sessions there are, and how many.',
        kept: 'until the person is erased',
        person_column: 'subject',
        erasure: 'delete',
        because: null,
        columns: [{ column: 'subject', kind: 'person' }],
      },
    ],
  },
)

/** Answer of `GET /admin/v1/privacy/data-map`. */
export const DataMapSchema = pageSchema(DataMapTableSchema, 'DataMap')

/** Answer of `GET /admin/v1/privacy/processing-record`. */
export const ProcessingRecordSchema = Type.Object(
  {
    object: Type.Literal('processing_record'),
    generated_at: Type.String(),
    activities: Type.Array(
      Type.Object(
        {
          activity: Type.String(),
          purpose: Type.String(),
          people: Type.Array(Type.String(), { description: 'Categories of data subjects.' }),
          data: Type.Array(Type.String(), { description: 'Categories of personal data.' }),
          tables: Type.Array(Type.String()),
          kept: Type.Array(Type.String(), { description: 'Time limits for erasure, by table.' }),
          recipients: Type.Array(
            Type.Object(
              {
                name: Type.String(),
                host: Type.String(),
                country: Type.Union([Type.String(), Type.Null()], {
                  description: 'ISO 3166-1, as configured or by the seat of the company; null: not known.',
                }),
              },
              { ...closed, title: 'ProcessingRecipient' },
            ),
          ),
        },
        { ...closed, title: 'ProcessingActivity' },
      ),
    ),
    security: Type.Array(Type.String(), { description: 'Technical measures, as they are in effect.' }),
    to_be_added: Type.Array(Type.String(), { description: 'What the law asks for and Headgate cannot know.' }),
  },
  { ...closed, title: 'ProcessingRecord' },
)
export type ProcessingRecord = Static<typeof ProcessingRecordSchema>

const name = Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

/** Body of `POST /admin/v1/privacy/erasures`. */
export const EraseSchema = Type.Object(
  {
    project: name,
    user: Type.String({
      minLength: 1,
      maxLength: 256,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      description: 'The name under which the person’s calls were made.',
    }),
    reason: Type.Optional(Type.String({ maxLength: 500, description: 'For the audit; name nobody in it.' })),
  },
  { ...closed, title: 'Erase', examples: [{ project: 'default', user: 'user-42' }] },
)
export type Erase = Static<typeof EraseSchema>

/** An erasure, as far as it is. */
export const ErasureSchema = Type.Object(
  {
    object: Type.Literal('erasure'),
    id: Type.String(),
    project: Type.String(),
    state: Type.Enum(['settling', 'held', 'done'], {
      description:
        'held: a legal hold stands in its way until `held_until`; settling: everything that is known was erased, and is looked for once more at `next_pass_at`.',
    }),
    held_until: nullable('When the legal hold ends that it waits for.'),
    pseudonym: Type.String({ description: 'What stands in the books instead of the name.' }),
    passes: Type.Integer({ minimum: 0 }),
    erased: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
      description: 'Rows that went or lost the name, by table.',
    }),
    requested_at: Type.String(),
    next_pass_at: nullable('When it is looked for what came late.'),
    done_at: nullable('When nothing was found any more.'),
    receipt: nullable('A JSON text that says what was done; its bytes are what is signed.'),
    signature: nullable('Ed25519 over the bytes of `receipt`, in base64.'),
  },
  {
    ...closed,
    title: 'Erasure',
    examples: [
      {
        object: 'erasure',
        id: 'era_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        project: 'default',
        state: 'settling',
        held_until: null,
        pseudonym: 'erased-5f0c1d2e3a4b',
        passes: 1,
        erased: { conversation_messages: 12 },
        requested_at: '2026-01-31T09:15:00.000Z',
        next_pass_at: '2026-01-31T10:15:00.000Z',
        done_at: null,
        receipt: null,
        signature: null,
      },
    ],
  },
)
export type Erasure = Static<typeof ErasureSchema>

/** Body of `POST /admin/v1/privacy/erasures/replay`. */
export const ReplayErasuresSchema = Type.Object(
  {
    journal: Type.String({
      maxLength: 8_388_608,
      description: 'What stands in the erasure journal, of one machine or of several: its lines, in any order.',
    }),
  },
  { ...closed, title: 'ReplayErasures', examples: [{ journal: '' }] },
)
export type ReplayErasures = Static<typeof ReplayErasuresSchema>

const entries = (description: string) => Type.Integer({ minimum: 0, description })

/** Answer of `POST /admin/v1/privacy/erasures/replay`. */
export const ErasuresReplayedSchema = Type.Object(
  {
    object: Type.Literal('erasures_replayed'),
    known: entries('Erasures of the journal that the database knows to be done; they are left alone.'),
    missing: entries('Erasures that it does not know, or has not ended.'),
    people: entries('People who were found by them, and are erased once more.'),
  },
  {
    ...closed,
    title: 'ErasuresReplayed',
    examples: [{ object: 'erasures_replayed', known: 17, missing: 2, people: 1 }],
  },
)

/** Query of `GET /admin/v1/privacy/erasures`. */
export const ErasurePageQuerySchema = Type.Object(
  {
    ...ProjectPageQuerySchema.properties,
    after: Type.Optional(
      Type.String({
        pattern: '^era_[0-9A-HJKMNP-TV-Z]{26}$',
        description: '`next_cursor` of the page before.',
        examples: ['era_01KG9V6V80Q3M5YJ8T2N4R7WXA'],
      }),
    ),
  },
  closed,
)

/** Answer of `GET /admin/v1/privacy/erasures`. */
export const ErasurePageSchema = pageSchema(ErasureSchema, 'ErasurePage')

/** Path of one erasure. */
export const ErasurePathSchema = Type.Object({
  erasure_id: Type.String({ description: 'Id of the erasure.', examples: ['era_01KG9V6V80Q3M5YJ8T2N4R7WXA'] }),
})

/** Answer of `GET /admin/v1/privacy/receipt-key`. */
export const ReceiptKeySchema = Type.Object(
  {
    object: Type.Literal('receipt_key'),
    algorithm: Type.Literal('Ed25519'),
    public_key: Type.String({ description: 'PEM of the key that receipts are verified by.' }),
  },
  { ...closed, title: 'ReceiptKey' },
)
