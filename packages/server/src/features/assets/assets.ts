import type { Caller } from '../../domain/caller.ts'
import type { EndAged } from '../../kernel/aged.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature, HealthReport } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { createEndAged } from './aged-assets.store.ts'
import type { AssetBounds, AssetDetails, BlobPort, Owner, ScanPort, SealPort } from './assets.ports.ts'
import { assetRoutes } from './assets.routes.ts'
import { createAssetStore } from './assets.store.ts'
import { createFindVersion } from './asset-versions.ts'
import { bytesRoutes } from './bytes.routes.ts'
import { createChunkStore } from './chunks.store.ts'
import { contentRoutes } from './content.routes.ts'
import { createForgetOwner } from './forget-owner.ts'
import { createFinish } from './finish-upload.ts'
import { createImages, type ImageBounds } from './images.ts'
import { createPurgeCaches, type SendPurge } from './purge-caches.ts'
import { createPurgeStore } from './purges.store.ts'
import { createChunkReader } from './read-chunks.ts'
import { createOwnedContents } from './owned-contents.ts'
import { createSigner } from './signed-urls.ts'
import { signedRoutes } from './signed.routes.ts'
import { createStripUpload } from './strip-upload.ts'
import { createSweep } from './sweep.ts'
import { thumbnailRoutes } from './thumbnail.routes.ts'
import { createThumbnailStore } from './thumbnails.store.ts'
import { createThumbnails } from './thumbnails.ts'
import { createUploads } from './uploads.service.ts'
import { uploadRoutes } from './uploads.routes.ts'
import { createUploadStore } from './uploads.store.ts'
import { createChunkWriter } from './write-chunks.ts'

export interface AssetsOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly blobs: BlobPort
  /** How a store that is not of this machine stands. */
  readonly health?: () => HealthReport
  /** Opens a scan; null: nothing is scanned. */
  readonly scan: (() => ScanPort) | null
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  /** Where callers reach this server, without a trailing slash. */
  readonly address: () => string
  readonly clock: Clock
  readonly log: Log
  /** Largest content. */
  readonly maxBytes: number
  /** Asked anew each time. */
  readonly bounds: () => AssetBounds
  /** Tells caches in front what to forget; null: there are none. */
  readonly sendPurge: SendPurge | null
  /** How long a browser may keep what caches keep longer, in seconds. */
  readonly browserSeconds: () => number
  /** Of pictures that are made small, or anew. */
  readonly images: () => ImageBounds
}

/** Contents that people own, and their uploads. */
export interface Assets extends Feature {
  /** Erases all assets and uploads of an owner. Tells how many, by table. */
  readonly forgetOwner: (owner: Owner) => Promise<Readonly<Record<string, number>>>
  /** Erases assets that are kept long enough. */
  readonly endAged: EndAged
  /** All contents of an owner, one after the other. */
  readonly contentsOf: ReturnType<typeof createOwnedContents>
  /** Keeps bytes that are at hand; resolves to the id of their asset. @throws AppError as `POST /v1/assets` does. */
  readonly keep: (caller: Caller, owner: Owner, details: AssetDetails, bytes: Buffer) => Promise<string>
}

/** Builds assets over the store of their bytes. */
export const createAssets = (options: AssetsOptions): Assets => {
  const { database, seal, blobs, clock, log, maxBytes, bounds, scan, address } = options
  const chunks = createChunkStore(database, seal)
  const uploadStore = createUploadStore(database, seal)
  const assets = createAssetStore(database, seal, options.sendPurge !== null)
  const read = createChunkReader(chunks, blobs)
  const purge = createPurgeCaches({ store: createPurgeStore(database), send: options.sendPurge, log })
  const sweep = createSweep({ chunks, uploads: uploadStore, blobs, purge, clock, log })
  const onDropped = sweep.soon
  const write = createChunkWriter(chunks, blobs)
  const images = createImages(options.images)
  const maxImageBytes = () => options.images().maxBytes
  const finish = createFinish({
    ...{ assets, uploads: uploadStore, read, versions: () => bounds().versions, scan, log },
    strip: createStripUpload({ store: uploadStore, chunks, read, write, images, maxBytes: maxImageBytes, onDropped }),
  })
  const uploads = createUploads({ store: uploadStore, chunks, finish, bounds, maxBytes, onDropped, write })
  const find = createFindVersion(assets)
  const thumbnailStore = createThumbnailStore(database, seal)
  const thumbnails = createThumbnails({ images, store: thumbnailStore, read, maxBytes: maxImageBytes })
  const newId = (prefix: 'asset' | 'upload') => prefixedId(prefix, clock.now())
  return {
    name: 'assets',
    contentsOf: createOwnedContents(database, assets, read),
    keep: async (caller, owner, details, bytes) => {
      const assetId = newId('asset')
      const pieces = async function* () {
        yield bytes
      }
      const upload = { ...owner, id: newId('upload'), assetId, isNew: true, details }
      await uploads.whole(caller, upload, { length: bytes.length, pieces })
      return assetId
    },
    endAged: createEndAged(database, assets, onDropped),
    forgetOwner: createForgetOwner({ database, assets, uploads: uploadStore, onDropped }),
    routes: [
      ...uploadRoutes({
        store: uploadStore,
        assets,
        uploads,
        finish,
        bounds,
        maxBytes,
        maxImageBytes,
        newId,
        onDropped,
      }),
      ...bytesRoutes({ store: assets, uploads, images, maxImageBytes, maxBytes, newId }),
      ...assetRoutes({ store: assets, bounds, maxBytes, onDropped }),
      ...contentRoutes({ find, read }),
      ...thumbnailRoutes({ find, thumbnails }),
      ...signedRoutes({
        store: assets,
        read,
        clock,
        address,
        signer: createSigner(options.pepper),
        browserSeconds: options.browserSeconds,
      }),
    ],
    start: sweep.start,
    stop: sweep.stop,
    ...(options.health && { health: options.health }),
  }
}
