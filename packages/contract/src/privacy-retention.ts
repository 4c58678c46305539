import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const { project } = ProjectPageQuerySchema.properties
const example = 'ret_01KG9V6V80Q3M5YJ8T2N4R7WXA'

/** Query of `GET /admin/v1/retention`. */
export const RetentionQuerySchema = Type.Object({ project }, closed)
export type RetentionQuery = Static<typeof RetentionQuerySchema>

/** Body of `POST /admin/v1/retention/runs`. */
export const RetentionRunBodySchema = Type.Object({ project }, { ...closed, title: 'RunRetention' })

/** What the schedule says of a table, and what is due. */
export const RetentionTableSchema = Type.Object(
  {
    object: Type.Literal('retention_table'),
    table: Type.String(),
    kept: Type.String({ description: 'How long its rows stay, in words.' }),
    class: nullable('Its class in `retention.days`; null: it ends otherwise, as `kept` says.'),
    counted_from: nullable('The column from which the age of a row counts.'),
    days: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: '0: for ever.' }),
    project_days: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
      description: 'Of projects that have a time of their own.',
    }),
    due: Type.Array(
      Type.Object(
        {
          project: Type.String(),
          rows: Type.Integer({ minimum: 0, description: 'Rows that would end now.' }),
          held: Type.Integer({ minimum: 0, description: 'Rows that are too old and that a legal hold keeps.' }),
          oldest: nullable('When the age of the oldest row that would end began.'),
        },
        { ...closed, title: 'RetentionDue' },
      ),
    ),
  },
  {
    ...closed,
    title: 'RetentionTable',
    examples: [
      {
        object: 'retention_table',
        table: 'memories',
        kept: 'until the person or the app deletes it',
        class: 'memories',
        counted_from: 'confirmed_at',
        days: 365,
        project_days: { default: 30 },
        due: [{ project: 'default', rows: 3, held: 0, oldest: '2026-01-31T09:15:00.000Z' }],
      },
    ],
  },
)
export type RetentionTable = Static<typeof RetentionTableSchema>
/** Answer of `GET /admin/v1/retention`. */
export const RetentionPlanSchema = pageSchema(RetentionTableSchema, 'RetentionPlan')

/** What ended in a project in one run. */
export const RetentionRecordSchema = Type.Object(
  {
    object: Type.Literal('retention_record'),
    id: Type.String(),
    project: Type.String(),
    record: Type.String({
      description: 'JSON: the run, who began it and when, and by table the period, how many rows ended, their ages.',
    }),
    signature: Type.String({
      description: 'Ed25519 over the bytes of `record`, base64; verify it with `GET /admin/v1/privacy/receipt-key`.',
    }),
  },
  {
    ...closed,
    title: 'RetentionRecord',
    examples: [
      {
        object: 'retention_record',
        id: example,
        project: 'default',
        record: '{"object":"retention_record"}',
        signature: '…',
      },
    ],
  },
)
export type RetentionRecord = Static<typeof RetentionRecordSchema>

/** Answer of `POST /admin/v1/retention/runs`. */
export const RetentionRunSchema = Type.Object(
  {
    object: Type.Literal('retention_run'),
    id: Type.String(),
    has_more: Type.Boolean({ description: 'Whether more is due: run it again, or leave it to the hour.' }),
    records: Type.Array(RetentionRecordSchema),
  },
  { ...closed, title: 'RetentionRun' },
)
export type RetentionRun = Static<typeof RetentionRunSchema>

/** Query of `GET /admin/v1/retention/records`. */
export const RetentionRecordPageQuerySchema = Type.Object(
  {
    ...ProjectPageQuerySchema.properties,
    after: Type.Optional(
      Type.String({
        pattern: '^ret_[0-9A-HJKMNP-TV-Z]{26}$',
        description: '`next_cursor` of the page before.',
        examples: [example],
      }),
    ),
  },
  closed,
)
/** Answer of `GET /admin/v1/retention/records`. */
export const RetentionRecordPageSchema = pageSchema(RetentionRecordSchema, 'RetentionRecordPage')
