import { bucketFaults } from './bucket-faults.ts'
import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** Checkpoints go to receivers that there are, and into a bucket that there is a key for. */
export const auditFaults = (
  { audit, receivers }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => [
  ...bucketFaults('audit', audit.s3, where),
  ...audit.webhooks.flatMap((name) =>
    receivers[name]?.kind === 'webhook'
      ? []
      : [
          {
            where: where(['audit', 'webhooks']),
            option: 'audit.webhooks',
            problem: `names ${JSON.stringify(name)}, which is no receiver of kind webhook`,
            expected: 'names of entries under receivers',
          },
        ],
  ),
]
