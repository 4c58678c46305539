import { Type } from 'typebox'
import { group, url } from './schema-parts.ts'

const key = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, pattern: '^[!-~]+$', 'x-secret': true, description }))

/** A bucket of a service that speaks S3, and the key for it. */
export const bucketSchema = (meaning: string, absent: string) =>
  group(
    {
      bucket: Type.Optional(
        Type.String({
          pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
          description: `Name of the bucket; absent: ${absent}.`,
        }),
      ),
      region: Type.String({
        pattern: '^[a-z0-9-]{1,40}$',
        default: 'us-east-1',
        description: 'Region that requests are signed for.',
      }),
      endpoint: Type.Optional(url('Address of a service that speaks S3, without the bucket; absent: AWS in `region`.')),
      prefix: Type.String({
        pattern: '^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$',
        maxLength: 256,
        default: '',
        description: 'What the keys of all objects begin with, such as `headgate/`.',
      }),
      access_key_id: key('Key that requests are signed with: its id.'),
      secret_access_key: key('Key that requests are signed with: the secret.'),
      session_token: key('Token of a key that is lent for a time.'),
      path_style: Type.Optional(
        Type.Boolean({
          description:
            'Whether the bucket is part of the path and not of the host; absent: with `endpoint`, and where its name has a dot.',
        }),
      ),
    },
    meaning,
  )
