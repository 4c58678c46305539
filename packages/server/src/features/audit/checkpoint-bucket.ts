import { BlobsUnavailable } from '../../kernel/blobs.ts'
import { type Bucket, type BucketOptions, codeOf, openBucketDoor } from '../../kernel/bucket.ts'
import type { FiledCheckpoint } from './checkpoint-file.ts'

/** Digits of a size in a key, so that keys stand in the order of sizes. */
const DIGITS = 20
const keyOf = (size: number | bigint): string => `${String(size).padStart(DIGITS, '0')}.json`

/** Checkpoints in a bucket: each an object of its own, a line as in the file, whose key is its size. */
export interface CheckpointBucket {
  /** Writes a checkpoint, unless there is one of its size: that is given back, and stays as it is. */
  readonly write: (checkpoint: FiledCheckpoint) => Promise<FiledCheckpoint | null>
  /** The size of the first checkpoint that is larger; null where there is none. */
  readonly largerThan: (size: bigint) => Promise<bigint | null>
}

/** Opens a bucket for checkpoints. Everything rejects with `BlobsUnavailable`. */
export const openCheckpointBucket = (bucket: Bucket, options: BucketOptions): CheckpointBucket => {
  const { ask } = openBucketDoor(bucket, options)
  const read = async (key: string): Promise<FiledCheckpoint | null> => {
    const answer = await ask(
      { method: 'GET', key },
      (one) => one.status === 200 || (one.status === 404 && codeOf(one) === 'NoSuchKey'),
    )
    if (answer.status === 404) return null
    try {
      const { size, at, note } = JSON.parse(answer.body.toString('utf8')) as Partial<FiledCheckpoint>
      return { size: Number(size), at: String(at), note: String(note) }
    } catch {
      // Whatever it is, it is not what was written.
      return { size: 0, at: '', note: '' }
    }
  }

  return {
    write: async (checkpoint) => {
      const key = keyOf(checkpoint.size)
      const there = await read(key)
      if (there !== null) return there
      const put = (headers: Readonly<Record<string, string>>, ...also: number[]) =>
        ask(
          { method: 'PUT', key, headers: { 'content-type': 'application/json', ...headers }, body },
          ({ status }) => status === 200 || status === 201 || also.includes(status),
        )
      const body = Buffer.from(`${JSON.stringify(checkpoint)}\n`)
      // Not every service knows writes that never overwrite (docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
      const { status } = await put({ 'if-none-match': '*' }, 412, 501)
      if (status === 501) await put({})
      return status === 412 ? await read(key) : null
    },
    largerThan: async (size) => {
      const start = encodeURIComponent(bucket.prefix + keyOf(size))
      const query = `list-type=2&max-keys=1&prefix=${encodeURIComponent(bucket.prefix)}&start-after=${start}`
      const { body } = await ask({ method: 'GET', key: '', query }, ({ status }) => status === 200)
      const text = body.toString('utf8')
      if (!text.includes('<ListBucketResult')) throw new BlobsUnavailable('The bucket did not list its objects')
      const [, digits] = /(\d{20})\.json<\/Key>/.exec(text) ?? []
      return digits === undefined ? null : BigInt(digits)
    },
  }
}
