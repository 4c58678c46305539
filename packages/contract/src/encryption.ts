import { type Static, Type } from 'typebox'

const time = Type.String({ format: 'date-time' })
const count = (description: string) => Type.Integer({ minimum: 0, description })

/** One version of the encryption key. */
export const EncryptionKeySchema = Type.Object(
  {
    object: Type.Literal('encryption_key'),
    version: Type.Integer({ minimum: 1 }),
    root: Type.String({ description: 'What wraps it: the id of a root key, or a key service and its key.' }),
    state: Type.Union([Type.Literal('active'), Type.Literal('deactivated'), Type.Literal('destroyed')], {
      description:
        'NIST SP 800-57: `active` wraps what is new, `deactivated` opens what is old, `destroyed` opens nothing.',
    }),
    created_at: time,
    destroyed_at: Type.Union([time, Type.Null()]),
    data_keys: count('Data keys that it wraps; 0 before it can be destroyed.'),
    opens: Type.Boolean({ description: 'Whether a root at hand opens it.' }),
  },
  { title: 'EncryptionKey' },
)
export type EncryptionKey = Static<typeof EncryptionKeySchema>

/** Answer of `GET /admin/v1/encryption`. */
export const EncryptionSchema = Type.Object(
  {
    object: Type.Literal('encryption'),
    root: Type.String({ description: 'What wraps new encryption keys.' }),
    rotation: Type.Object({
      state: Type.Union([Type.Literal('idle'), Type.Literal('rewrapping')]),
      version: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
        description:
          'The version that data keys are wrapped with, or are being rewrapped with; null: none is made yet.',
      }),
      data_keys: count('All there are.'),
      rewrapped: count('Those that the version wraps.'),
      remaining: count('Those that a former version wraps.'),
    }),
    keys: Type.Array(EncryptionKeySchema, { description: 'The newest first, at most 100.' }),
  },
  {
    title: 'Encryption',
    examples: [
      {
        object: 'encryption',
        root: 'vault:transit/headgate',
        rotation: { state: 'rewrapping', version: 2, data_keys: 5200, rewrapped: 3200, remaining: 2000 },
        keys: [
          {
            object: 'encryption_key',
            version: 2,
            root: 'vault:transit/headgate',
            state: 'active',
            created_at: '2026-01-31T09:15:00.000Z',
            destroyed_at: null,
            data_keys: 3200,
            opens: true,
          },
          {
            object: 'encryption_key',
            version: 1,
            root: '5f0c1de2a9b4',
            state: 'deactivated',
            created_at: '2025-01-31T09:15:00.000Z',
            destroyed_at: null,
            data_keys: 2000,
            opens: true,
          },
        ],
      },
    ],
  },
)
export type Encryption = Static<typeof EncryptionSchema>

/** Names a version in an address. */
export const EncryptionKeyPathSchema = Type.Object({
  version: Type.String({ pattern: '^[1-9]\\d{0,8}$', description: 'Version of the encryption key.', examples: ['1'] }),
})
