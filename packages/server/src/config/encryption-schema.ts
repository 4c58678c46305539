import { Type } from 'typebox'
import { group } from './schema-parts.ts'

/** Key services that may wrap the encryption keys, by the word that names them. */
export const keyServices = ['vault', 'aws-kms', 'gcp-kms'] as const
/** A key service with its key, in one text: `vault:transit/headgate`. */
export const FORMER_ROOT = `^(?:${keyServices.join('|')}):\\S{1,480}$`

/** What wraps the keys under which columns and contents are sealed. */
export const EncryptionSchema = group(
  {
    root: group(
      {
        source: Type.Optional(
          Type.Union(
            ['file', 'env', ...keyServices].map((name) => Type.Literal(name)),
            {
              description:
                'What wraps the encryption keys: `file`, the root key in the data folder; `env`, the one in `HEADGATE_ROOT_KEY`; or a key that never leaves its service: `vault` (Vault or OpenBao, Transit), `aws-kms`, `gcp-kms`. Absent: the root key, wherever it is.',
            },
          ),
        ),
        key: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 480,
            pattern: '^\\S+$',
            description:
              'Name of the key in its service: `transit/headgate`, the id, ARN or alias of AWS KMS, or `projects/…/locations/…/keyRings/…/cryptoKeys/…`.',
          }),
        ),
        former: Type.Array(Type.String({ pattern: FORMER_ROOT }), {
          default: [],
          maxItems: 10,
          description:
            'Services whose key wrapped earlier encryption keys, such as `vault:transit/old`, until `headgate encryption rotate` has moved everything. The root key opens what it wrapped without being named.',
        }),
      },
      'The root of all encryption keys.',
    ),
  },
  'How columns and contents are sealed.',
)
