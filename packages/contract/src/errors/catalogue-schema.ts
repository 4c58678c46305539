import { Type } from 'typebox'
import { InnerErrorSchema } from './body.ts'

const { id, code, type } = InnerErrorSchema.properties
const texts = Type.Array(Type.String(), { minItems: 1 })

/** Answer of `GET /errors.json`: every error that can leave Headgate. */
export const ErrorCatalogueSchema = Type.Object(
  {
    errors: Type.Array(
      Type.Object(
        {
          code,
          id,
          http: Type.Integer({ description: 'Its status; 499 is written to the log only.' }),
          type,
          severity: Type.Enum(['info', 'warning', 'error', 'critical']),
          retryable: Type.Enum(['no', 'after', 'immediately']),
          title: Type.String(),
          user: Type.String({ description: 'For the person using the app.' }),
          developer: Type.String(),
          causes: texts,
          resolutions: texts,
          recovery: Type.String({ description: 'What a client can offer the person.' }),
          since: Type.String({ description: 'The version that introduced it.' }),
          doc_url: Type.String(),
        },
        { title: 'ErrorEntry' },
      ),
    ),
  },
  { title: 'ErrorCatalogue' },
)
