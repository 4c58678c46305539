import { createWriteStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BlobsUnavailable } from './blobs.ts'
import { type Bucket, type BucketOptions, codeOf, openBucketDoor } from './bucket.ts'
import { AppError } from './errors.ts'
import { type Shelf, type ShelvedFile } from './embedded-backup-shelf.ts'

/** Larger files are kept in pieces of so many bytes: objects whose keys end with `.piece-` and their number. */
const PIECE_BYTES = 8_388_608
const pieceOf = /^(.+)\.piece-(\d{6})$/
const nameOf = (path: string, number: number): string => `${path}.piece-${String(number).padStart(6, '0')}`
/** Of one try, and of all tries, to move one piece. */
const TRY_MS = 60_000
const WHOLE_MS = 180_000

interface Found {
  readonly key: string
  readonly bytes: number
  readonly at: number
}

/** What an answer to ListObjectsV2 names (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html); keys here need no escapes. */
const readListing = (text: string): Found[] =>
  text
    .split('<Contents>')
    .slice(1)
    .map((entry) => ({
      key: /<Key>([^<]*)<\/Key>/.exec(entry)?.[1] ?? '',
      bytes: Number(/<Size>(\d+)<\/Size>/.exec(entry)?.[1] ?? 0),
      at: Date.parse(/<LastModified>([^<]*)<\/LastModified>/.exec(entry)?.[1] ?? '') || 0,
    }))

/** A bucket as a shelf. What is written there is compared by the service with the digest that the request is signed with. */
export const createBucketShelf = (
  bucket: Bucket,
  { clock, random }: Pick<BucketOptions, 'clock' | 'random'>,
): Shelf => {
  const { ask } = openBucketDoor(bucket, { clock, random, timeoutMs: TRY_MS, wholeMs: WHOLE_MS })
  const failing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof BlobsUnavailable)) throw cause
      throw new AppError('backup_failed', { cause, detail: `${cause.message}.` })
    }
  }
  const listObjects = async (): Promise<Found[]> => {
    const found: Found[] = []
    for (let after = ''; ; ) {
      const start = after === '' ? '' : `&start-after=${encodeURIComponent(after)}`
      const query = `list-type=2&prefix=${encodeURIComponent(bucket.prefix)}${start}`
      const text = (
        await ask(
          { method: 'GET', key: '', query },
          ({ status, body }) => status === 200 && body.includes('<ListBucketResult'),
        )
      ).body.toString('utf8')
      const page = readListing(text)
      found.push(...page)
      const last = page.at(-1)?.key ?? ''
      // A service that repeats itself would be asked for ever.
      if (!text.includes('<IsTruncated>true</IsTruncated>') || last <= after) return found
      after = last
    }
  }
  const getObject = async (key: string): Promise<Buffer | null> => {
    const answer = await ask(
      { method: 'GET', key },
      (one) => one.status === 200 || (one.status === 404 && codeOf(one) === 'NoSuchKey'),
    )
    return answer.status === 404 ? null : answer.body
  }
  const putObject = async (key: string, body: Buffer): Promise<void> => {
    const headers = { 'content-type': 'application/octet-stream' }
    await ask({ method: 'PUT', key, headers, body }, ({ status }) => status === 200 || status === 201)
  }
  const removeObject = async (key: string): Promise<void> => {
    await ask(
      { method: 'DELETE', key },
      (one) => one.status === 204 || one.status === 200 || (one.status === 404 && codeOf(one) === 'NoSuchKey'),
    )
  }
  /** Numbers of the pieces of a file, as they were when the bucket was listed last. */
  const pieces = new Map<string, number>()

  return {
    name: `the bucket ${bucket.name}`,
    list: () =>
      failing(async () => {
        const files = new Map<string, ShelvedFile>()
        pieces.clear()
        for (const { key, bytes, at } of await listObjects()) {
          const path = key.slice(bucket.prefix.length)
          const piece = pieceOf.exec(path)
          if (piece === null) files.set(path, { path, bytes, at })
          else {
            const [, whole = '', number = ''] = piece
            const before = files.get(whole)
            files.set(whole, { path: whole, bytes: bytes + (before?.bytes ?? 0), at: Math.max(at, before?.at ?? 0) })
            pieces.set(whole, Math.max(Number(number) + 1, pieces.get(whole) ?? 0))
          }
        }
        return [...files.values()]
      }),
    read: (path) => failing(() => getObject(path)),
    put: (path, source) =>
      failing(async () => {
        if (typeof source !== 'string') return putObject(path, source)
        const file = await open(source, 'r')
        try {
          const { size } = await file.stat()
          const count = Math.max(1, Math.ceil(size / PIECE_BYTES))
          for (let number = 0; number < count; number += 1) {
            const body = Buffer.alloc(Math.min(PIECE_BYTES, size - number * PIECE_BYTES))
            const { bytesRead } = await file.read(body, 0, body.length, number * PIECE_BYTES)
            if (bytesRead !== body.length)
              throw new AppError('backup_failed', { detail: `${source} was cut while it was copied.` })
            await putObject(count === 1 ? path : nameOf(path, number), body)
          }
          if (count > 1) pieces.set(path, count)
        } finally {
          await file.close()
        }
      }),
    fetch: (path, target) =>
      failing(async () => {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        const read = async function* () {
          const count = pieces.get(path)
          for (let number = 0; number < (count ?? 1); number += 1) {
            const key = count === undefined ? path : nameOf(path, number)
            const body = await getObject(key)
            // Whatever is missing is found when the file is read.
            if (body !== null) yield body
          }
        }
        await pipeline(Readable.from(read()), createWriteStream(target, { mode: 0o600 }))
      }),
    remove: (path) =>
      failing(async () => {
        const count = pieces.get(path)
        if (count === undefined) await removeObject(path)
        for (let number = 0; number < (count ?? 0); number += 1) await removeObject(nameOf(path, number))
        pieces.delete(path)
      }),
  }
}
