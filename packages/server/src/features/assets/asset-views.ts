import type { AssetVersionView, AssetView } from '@headgate/contract/assets.ts'
import type { Asset, AssetVersion } from './assets.store.ts'

const secondsOf = (time: Date): number => Math.floor(time.getTime() / 1_000)

const contentView = ({ version, bytes, type, charset, digest, wasScanned }: AssetVersion) => ({
  version,
  bytes,
  type,
  charset,
  sha256: digest,
  scanned: wasScanned,
})
/** A version as callers see it. */
export const versionView = (version: AssetVersion): AssetVersionView => ({
  object: 'asset.version',
  ...contentView(version),
  created_at: secondsOf(version.createdAt),
})

/** An asset as callers see it. */
export const view = (asset: Asset): AssetView => ({
  id: asset.assetId,
  object: 'asset',
  name: asset.details.name,
  metadata: asset.details.metadata,
  ...contentView(asset),
  created_at: secondsOf(asset.madeAt),
  updated_at: secondsOf(asset.changedAt),
})
