import { bucketFaults } from './bucket-faults.ts'
import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** What no schema says of where assets are kept: in one place, and a bucket with the key for it. */
export const assetsFaults = (
  { assets: { folder, s3 } }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => {
  const faults = bucketFaults('assets', s3, where)
  if (s3.bucket === undefined || folder === undefined) return faults
  return [
    ...faults,
    {
      where: where(['assets', 'folder']),
      option: 'assets.folder',
      problem: 'is given beside assets.s3.bucket',
      expected: 'one of them',
    },
  ]
}
