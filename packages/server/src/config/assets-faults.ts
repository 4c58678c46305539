import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** What no schema says of where assets are kept: in one place, and a bucket with the key for it. */
export const assetsFaults = (
  { assets: { folder, s3 } }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => {
  const { bucket } = s3
  if (bucket === undefined) return []
  const missing = (['access_key_id', 'secret_access_key'] as const).filter((name) => s3[name] === undefined)
  return [
    ...missing.map((name) => ({
      where: where(['assets', 's3', 'bucket']),
      option: `assets.s3.${name}`,
      problem: 'is missing for the bucket',
      expected: `HEADGATE_ASSETS_S3_${name.toUpperCase()}`,
    })),
    ...(folder === undefined
      ? []
      : [
          {
            where: where(['assets', 'folder']),
            option: 'assets.folder',
            problem: 'is given beside assets.s3.bucket',
            expected: 'one of them',
          },
        ]),
  ]
}
