import { join } from 'node:path'
import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import { createAssets } from '../features/assets/assets.ts'
import { createDiskBlobs } from '../kernel/blobs.disk.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'

interface AssetRoomOptions {
  /** As it was when the house started. */
  readonly config: Config
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  readonly clock: Clock
  readonly log: Log
}

const HOUR_SECONDS = 3_600

/** Builds assets over the store that is configured; nothing is opened or made before the first upload. */
export const createAssetRoom = ({ config, settings, ...ground }: AssetRoomOptions) =>
  createAssets({
    ...ground,
    blobs: createDiskBlobs(config.assets.folder ?? join(config.data_dir, 'assets')),
    maxBytes: config.assets.max_bytes,
    bounds: () => {
      const { assets, tiers } = settings().config
      return {
        ownerBytes: ({ tier }) => tiers[tier]?.asset_bytes ?? assets.owner_bytes,
        versions: assets.versions,
        uploadSeconds: assets.upload_hours * HOUR_SECONDS,
      }
    },
  })
