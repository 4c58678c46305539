import { createHash } from 'node:crypto'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { ScanPort } from './assets.ports.ts'
import type { AssetStore } from './assets.store.ts'
import type { Content } from './contents.store.ts'
import type { ReadChunks } from './read-chunks.ts'
import { SNIFFED_BYTES, sniff } from './sniff.ts'
import type { StripUpload } from './strip-upload.ts'
import { createTextProbe } from './text-encoding.ts'
import type { Upload, UploadStore } from './uploads.store.ts'

interface FinishOptions {
  readonly assets: Pick<AssetStore, 'finish'>
  readonly uploads: Pick<UploadStore, 'remove'>
  readonly read: ReadChunks
  readonly strip: StripUpload
  /** Versions of one asset that are kept. */
  readonly versions: () => number
  /** Opens a scan; null: nothing is scanned. */
  readonly scan: (() => ScanPort) | null
  readonly log: Log
}

/** What can never become of an upload, however often it is asked. */
const hopeless = ['asset_not_found', 'asset_changed', 'asset_infected', 'asset_not_convertible']

/** Makes assets of uploads whose bytes are all there: looks at what they are, and writes them down. */
export const createFinish = ({ assets, uploads, read, strip, versions, scan, log }: FinishOptions) => {
  const running = new Map<string, Promise<number>>()

  /** Ends a scan. @throws AppError `asset_infected`. */
  const judge = async (scanning: ScanPort): Promise<void> => {
    const signature = await scanning.end()
    if (signature !== null) throw new AppError('asset_infected', { params: { signature } })
  }
  const unscanned = (error: unknown): AppError => {
    if (error instanceof AppError) return error
    log.warn({ component: 'assets', error: error as Error }, 'A content could not be scanned')
    return new AppError('asset_scan_unavailable', { cause: error })
  }

  /** What was stored is read again from first to last: what is promised is what is there. */
  const inspect = async ({ project, id, length }: Upload, scanning: ScanPort | null): Promise<Content> => {
    const hash = createHash('sha256')
    const probe = createTextProbe()
    const head: Buffer[] = []
    let [headBytes, bytes] = [0, 0]
    for await (const piece of await read.open(project, id, { from: 0, bytes: length })) {
      hash.update(piece)
      probe.push(piece)
      await scanning?.push(piece).catch((error: unknown) => {
        throw unscanned(error)
      })
      if (headBytes < SNIFFED_BYTES) {
        head.push(piece.subarray(0, SNIFFED_BYTES - headBytes))
        headBytes += head.at(-1)?.length ?? 0
      }
      bytes += piece.length
    }
    if (bytes !== length) throw new AppError('asset_store_unavailable', { detail: 'A part of the upload is lost.' })
    if (scanning !== null)
      await judge(scanning).catch((error: unknown) => {
        throw unscanned(error)
      })
    const sniffed = await sniff(Buffer.concat(head), probe.end())
    return { digest: hash.digest('hex'), bytes, ...sniffed, wasScanned: scanning !== null }
  }

  const finish = async (sent: Upload): Promise<number> => {
    let scanning: ScanPort | null = null
    try {
      const upload = sent.details.strip === undefined ? sent : await strip(sent)
      if (upload.version !== null) return upload.version
      scanning = scan?.() ?? null
      return await assets.finish(upload, await inspect(upload, scanning), versions())
    } catch (fault) {
      scanning?.abandon()
      if (fault instanceof AppError && hopeless.includes(fault.code)) await uploads.remove(sent, sent.id)
      throw fault
    }
  }

  /**
   * The version that an upload has become, and becomes now where all of it is there; null where it is not, or is only a part of
   * another. May be asked any number of times, at once too.
   * @throws AppError `upload_not_found`, `asset_not_found`, `asset_changed`, `asset_infected`, `asset_scan_unavailable`, `asset_store_unavailable`; as `strip` does.
   */
  return async (upload: Upload): Promise<number | null> => {
    if (upload.version !== null) return upload.version
    if (upload.received < upload.length || upload.role === 'partial') return null
    const name = `${upload.project}/${upload.id}`
    const known = running.get(name)
    if (known) return known
    const made = finish(upload).finally(() => running.delete(name))
    running.set(name, made)
    return made
  }
}

export type Finish = ReturnType<typeof createFinish>
