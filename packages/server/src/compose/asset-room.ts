import { header } from '@headgate/contract/headers.ts'
import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import { createAssets } from '../features/assets/assets.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import { deliver } from '../kernel/outbound.ts'
import { openScan } from '../kernel/outbound-clamd.ts'
import type { Seal } from '../kernel/seal.ts'
import { addressOf } from './address.ts'
import { type BlobSecrets, openBlobStore } from './blob-store.ts'

interface AssetRoomOptions {
  /** As it was when the house started. */
  readonly config: Config
  readonly secrets: BlobSecrets
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  /** The port that is listened on. */
  readonly port: () => number
  readonly clock: Clock
  readonly log: Log
}

const HOUR_SECONDS = 3_600
/** A large content is judged at its end alone. */
const SCAN_MS = 120_000
const PURGE_MS = 5_000

const scannerOf = (clamd: string | undefined) => {
  if (clamd === undefined) return null
  const at = clamd.lastIndexOf(':')
  const address = { host: clamd.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(clamd.slice(at + 1)) }
  return () => openScan(address, SCAN_MS)
}

/** One request carries the tags in the words of Cloudflare (`tags`), of Fastly (`surrogate_keys`), and in a header for Varnish. */
const purgeSender = ({ assets: { cdn } }: Config, { assets_cdn: authorization }: BlobSecrets) => {
  const { purge_url: url } = cdn
  if (url === undefined) return null
  return async (tags: readonly string[]): Promise<number> => {
    const headers = {
      [header.surrogateKey]: tags.join(' '),
      ...(authorization && { authorization: authorization.reveal() }),
    }
    return (await deliver(url, headers, JSON.stringify({ tags, surrogate_keys: tags }), PURGE_MS)).status
  }
}

/** Builds assets over the store that is configured; nothing is opened or made before the first upload. */
export const createAssetRoom = ({ config, secrets, settings, port, ...ground }: AssetRoomOptions) =>
  createAssets({
    ...ground,
    ...openBlobStore({ config, secrets }, ground.clock),
    maxBytes: config.assets.max_bytes,
    scan: scannerOf(config.assets.clamd),
    address: () => addressOf(settings().config, port()),
    sendPurge: purgeSender(config, secrets),
    browserSeconds: () => settings().config.assets.cdn.browser_seconds,
    images: () => {
      const { max_image_pixels: maxPixels, max_image_bytes: maxBytes } = settings().config.assets
      return { maxPixels, maxBytes }
    },
    bounds: () => {
      const { assets, tiers } = settings().config
      return {
        ownerBytes: ({ tier }) => tiers[tier]?.asset_bytes ?? assets.owner_bytes,
        versions: assets.versions,
        uploadSeconds: assets.upload_hours * HOUR_SECONDS,
      }
    },
  })
