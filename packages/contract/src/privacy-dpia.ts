import { type Static, Type } from 'typebox'
import { ProcessingRecordSchema } from './privacy.ts'

const closed = { additionalProperties: false } as const

/** How a record or an assessment is wanted. */
export const PaperQuerySchema = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(['json', 'markdown'], { description: 'As JSON, or as a page in Markdown; absent: JSON.' }),
    ),
  },
  closed,
)
export type PaperQuery = Static<typeof PaperQuerySchema>

/** Answer of `GET /admin/v1/privacy/dpia`: what Article 35(7) of the GDPR asks for, as far as it is known. */
export const DpiaSchema = Type.Object(
  {
    object: Type.Literal('dpia'),
    generated_at: Type.String(),
    processing: Type.Object(ProcessingRecordSchema.properties, {
      ...closed,
      title: 'DpiaProcessing',
      description: 'What is done, with what, and why: Article 35(7)(a).',
    }),
    necessity: Type.Array(Type.String(), {
      description: 'What keeps the data to what is needed, as configured now: Article 35(7)(b).',
    }),
    retention: Type.Array(
      Type.Object(
        {
          class: Type.String(),
          days: Type.Integer({ minimum: 0, description: '0: for ever.' }),
          project_days: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
        },
        { ...closed, title: 'DpiaRetention' },
      ),
    ),
    findings: Type.Array(Type.String(), { description: 'What the configuration of now makes more risky.' }),
    risks: Type.Array(
      Type.Object(
        {
          risk: Type.String(),
          measures: Type.Array(Type.String(), { description: 'What stands against it: Article 35(7)(d).' }),
          likelihood: Type.Null({ description: 'To be filled in by you.' }),
          severity: Type.Null({ description: 'To be filled in by you.' }),
          residual: Type.Null({ description: 'To be filled in by you.' }),
        },
        { ...closed, title: 'DpiaRisk' },
      ),
      {
        description: 'Risks to the rights of people: Article 35(7)(c). How likely and grave they are you have to say.',
      },
    ),
    to_be_added: Type.Array(Type.String(), { description: 'What the law asks for and Headgate cannot know.' }),
  },
  { ...closed, title: 'Dpia' },
)
export type Dpia = Static<typeof DpiaSchema>
