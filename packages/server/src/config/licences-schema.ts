import { Type } from 'typebox'
import { group } from './schema-parts.ts'

const names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { default: [], maxItems: 300, description })

/** Under which licences models may be called. */
export const LicencesSchema = group(
  {
    allow: names(
      'Licences of models that may be called, in full or by their beginning with a `*`; `unknown`: models of which no licence is known. Where none is named: all.',
    ),
    deny: names('Licences of models that may not be called, written likewise; stronger than `allow`.'),
  },
  'Under which licences models may be called.',
)
