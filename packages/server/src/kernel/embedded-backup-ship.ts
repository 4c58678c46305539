import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'
import { type BackupSigner, placesIn, writeHead } from './embedded-backup-repository.ts'
import { type Bytes, syncFolder, type Vault } from './embedded-backup-sealed.ts'
import { archivedName, SEGMENT_HEADER_BYTES, segmentName, segmentProblem } from './embedded-backup-segments.ts'
import { blobName } from './blobs.ts'

/** What is taken from where. */
export interface ShipOptions {
  /** The folder that PostgreSQL archives into. */
  readonly outbox: string
  /** The folder of contents of assets; null where they are in a bucket. */
  readonly objects: string | null
  /** The folder of backups. */
  readonly directory: string
  readonly vault: Vault
  readonly signer: BackupSigner
}

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'
const listed = (folder: string): Promise<string[]> =>
  readdir(folder).catch((cause: unknown) => {
    if (isMissing(cause)) return []
    throw cause
  })

/** Digest of a file, and how it begins. */
const lookAt = async (path: string) => {
  const hash = createHash('sha256')
  let header = Buffer.alloc(0)
  let bytes = 0
  for await (const chunk of createReadStream(path) as Bytes) {
    if (header.length < SEGMENT_HEADER_BYTES)
      header = Buffer.concat([header, chunk.subarray(0, SEGMENT_HEADER_BYTES - header.length)])
    hash.update(chunk)
    bytes += chunk.length
  }
  return { header, bytes, sha256: hash.digest('hex') }
}

/** Files of the WAL in a folder of backups: each says in its name what it is and what it holds. */
export const listArchive = async (directory: string): Promise<Map<string, { path: string; sha256: string }[]>> => {
  const { wal } = placesIn(directory)
  const found = new Map<string, { path: string; sha256: string }[]>()
  for (const folder of await listed(wal)) {
    if (folder.endsWith('.json')) continue
    for (const file of await listed(join(wal, folder))) {
      const [, name, sha256] = /^(.+)-([0-9a-f]{64})\.age$/.exec(file) ?? []
      if (name === undefined || sha256 === undefined) continue
      found.set(name, [...(found.get(name) ?? []), { path: join(wal, folder, file), sha256 }])
    }
  }
  return found
}

/** Takes over what is new, over and over. */
export const createShipper = ({ outbox, objects, directory, vault, signer }: ShipOptions) => {
  const places = placesIn(directory)
  /** When each folder of objects was looked at, by when it had been changed. */
  const seen = new Map<string, number>()

  const shipObjects = async (): Promise<number> => {
    if (objects === null) return 0
    let taken = 0
    for (const folder of await listed(objects)) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue
      const path = join(objects, folder)
      const { mtimeMs } = await stat(path)
      if (seen.get(folder) === mtimeMs) continue
      const there = new Set(await listed(join(places.objects, folder)))
      for (const name of await listed(path)) {
        if (!blobName.test(name) || there.has(`${name}.age`)) continue
        try {
          const { sha256 } = await vault.write(places.object(name), createReadStream(join(path, name)) as Bytes)
          if (sha256 !== name) {
            await rm(places.object(name), { force: true })
            throw new AppError('backup_failed', {
              detail: `The content ${name} of an asset is damaged where it is kept.`,
            })
          }
          taken += 1
        } catch (cause) {
          // Erased in the meantime.
          if (!isMissing((cause as Error).cause)) throw cause
        }
      }
      seen.set(folder, mtimeMs)
    }
    return taken
  }

  const shipSegment = async (name: string, system: string): Promise<void> => {
    const path = join(outbox, name)
    const { header, bytes, sha256 } = await lookAt(path)
    const problem = segmentName.test(name) ? segmentProblem(name, header, bytes, system) : null
    if (problem !== null)
      throw new AppError('backup_failed', { detail: `The archived segment ${name} ${problem}; it was not taken.` })
    const folder = places.walFolder(name)
    const others = (await listed(folder)).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.age'))
    const target = `${name}-${sha256}.age`
    if (others.some((file) => file !== target))
      throw new AppError('backup_failed', {
        detail: `${folder} has another ${name} already: a second server, or a former state of this one, writes into the same folder of backups.`,
      })
    if (others.length === 0) await vault.write(join(folder, target), createReadStream(path) as Bytes)
    if (segmentName.test(name)) await writeHead(directory, { segment: name, at: new Date().toISOString() }, signer)
    await rm(path)
  }

  return {
    /**
     * Takes over contents of assets, then what PostgreSQL has archived: so no row is there before the content it names. `system` is
     * the identifier of the cluster. @throws AppError `backup_failed`
     */
    ship: async (system: string): Promise<{ readonly segments: number; readonly objects: number }> => {
      const waiting = (await listed(outbox)).filter((name) => archivedName.test(name)).sort()
      const taken = await shipObjects()
      for (const name of waiting) await shipSegment(name, system)
      if (waiting.length > 0) await syncFolder(outbox)
      return { segments: waiting.length, objects: taken }
    },
    /** Names of the contents that are kept now, sorted; null where they are in a bucket. */
    listObjects: async (): Promise<string[] | null> => {
      if (objects === null) return null
      const names: string[] = []
      for (const folder of await listed(objects))
        if (/^[0-9a-f]{2}$/.test(folder))
          names.push(...(await listed(join(objects, folder))).filter((name) => blobName.test(name)))
      return names.sort()
    },
  }
}
