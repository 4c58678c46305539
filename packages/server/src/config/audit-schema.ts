import { Type } from 'typebox'
import { bucketSchema } from './bucket-schema.ts'
import { count, group, named, url } from './schema-parts.ts'

/** How the audit is signed, and where that is copied to. */
export const AuditSchema = group(
  {
    origin: Type.Optional(
      Type.String({
        pattern: '^[^\\s+\\u0000-\\u001f]{1,200}$',
        description:
          'Name of this log in its checkpoints, such as `audit.example.org/headgate`; absent: a random one. Taken when the first key is made, and kept.',
      }),
    ),
    checkpoint_seconds: Type.Integer({
      minimum: 1,
      maximum: 86_400,
      default: 60,
      description: 'Seconds after which new entries are signed.',
    }),
    checkpoint_entries: count('New entries after which they are signed at once.', 1_000),
    file: Type.Optional(
      Type.String({
        minLength: 1,
        'x-path': true,
        description: 'File that every checkpoint is appended to; absent: `audit-checkpoints.jsonl` in the data folder.',
      }),
    ),
    webhooks: Type.Array(Type.String(), {
      default: [],
      description: 'Receivers of kind `webhook` that get every checkpoint.',
    }),
    s3: bucketSchema('A bucket that every checkpoint is written to, once.', 'none is'),
    witnesses: named(
      '^[a-z0-9][a-z0-9_-]{0,63}$',
      group(
        {
          url: url('Prefix of its addresses: `/add-checkpoint` is put behind it.'),
          key: Type.String({
            'x-check': 'witness-key',
            description: 'Its public key: `<name>+<id>+<base64>`, for cosignatures by Ed25519.',
          }),
        },
        'A witness.',
      ),
      { description: 'Witnesses (c2sp.org/tlog-witness) that cosign checkpoints, by name.' },
    ),
  },
  'The audit: what signs it, and where that is copied to.',
)
