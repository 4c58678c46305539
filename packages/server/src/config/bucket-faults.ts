import type { Static } from 'typebox'
import type { bucketSchema } from './bucket-schema.ts'
import type { ConfigFault } from './faults.ts'

/** A bucket comes with the key for it. */
export const bucketFaults = (
  section: 'assets' | 'audit' | 'backups.copy',
  s3: Static<ReturnType<typeof bucketSchema>>,
  where: (path: readonly string[]) => string,
): ConfigFault[] =>
  s3.bucket === undefined
    ? []
    : (['access_key_id', 'secret_access_key'] as const)
        .filter((name) => s3[name] === undefined)
        .map((name) => ({
          where: where([...section.split('.'), 's3', 'bucket']),
          option: `${section}.s3.${name}`,
          problem: 'is missing for the bucket',
          expected: `HEADGATE_${section.toUpperCase().replace('.', '_')}_S3_${name.toUpperCase()}`,
        }))
