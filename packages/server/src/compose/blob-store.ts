import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { BucketKey, Secrets } from '../config/secrets.ts'
import { createDiskBlobs } from '../kernel/blobs.disk.ts'
import { createS3Blobs, type S3Blobs } from '../kernel/blobs.s3.ts'
import type { Blobs } from '../kernel/blobs.ts'
import type { Bucket } from '../kernel/bucket.ts'
import type { Clock } from '../kernel/clock.ts'

export type BlobSecrets = Pick<Secrets, 'assets_s3' | 'assets_cdn'>

interface BlobSettings {
  readonly config: Pick<Config, 'assets' | 'data_dir'>
  readonly secrets: BlobSecrets
}

/** A bucket as configured, with the key for it; null where none is named. */
export const bucketOf = (section: Config['assets']['s3'], key: BucketKey | undefined): Bucket | null => {
  const { bucket, region, endpoint, prefix, path_style: isInPath } = section
  if (bucket === undefined || key === undefined) return null
  return {
    name: bucket,
    region,
    prefix,
    ...(endpoint !== undefined && { endpoint }),
    // A certificate of `*.s3.…` holds for no name with one more dot.
    isInPath: isInPath ?? (endpoint !== undefined || bucket.includes('.')),
    credentials: {
      accessKeyId: key.access_key_id.reveal(),
      secretAccessKey: key.secret_access_key.reveal(),
      ...(key.session_token && { sessionToken: key.session_token.reveal() }),
    },
  }
}

/** The bucket of assets; null: they are files. */
export const openBucket = (
  { config, secrets }: BlobSettings,
  clock: Clock,
  bounds: { readonly timeoutMs?: number; readonly wholeMs?: number } = {},
): S3Blobs | null => {
  const bucket = bucketOf(config.assets.s3, secrets.assets_s3)
  return bucket === null ? null : createS3Blobs(bucket, { clock, random: Math.random, ...bounds })
}

/** The store of objects that is configured; nothing is opened or made before the first one. `health` where it is no disk. */
export const openBlobStore = (
  settings: BlobSettings,
  clock: Clock,
): { readonly blobs: Blobs } & Partial<Pick<S3Blobs, 'health'>> => {
  const bucket = openBucket(settings, clock)
  if (bucket !== null) return { blobs: bucket, health: bucket.health }
  const { assets, data_dir: dataFolder } = settings.config
  return { blobs: createDiskBlobs(assets.folder ?? join(dataFolder, 'assets')) }
}
