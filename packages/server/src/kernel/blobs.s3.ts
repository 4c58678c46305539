import { createHash } from 'node:crypto'
import { type Blobs, checkedName } from './blobs.ts'
import { type Bucket, type BucketDoor, type BucketOptions, codeOf, openBucketDoor } from './bucket.ts'

/** Objects in a bucket, and how it stands. */
export interface S3Blobs extends Blobs {
  readonly health: BucketDoor['health']
}

/** Objects in a bucket. Every request may be repeated, as a name says what is stored under it. */
export const createS3Blobs = (bucket: Bucket, options: BucketOptions): S3Blobs => {
  const { ask, health } = openBucketDoor(bucket, options)
  return {
    put: async (name, body) => {
      // A store that knows the header keeps it with the object; the name is the SHA-256.
      const checksum = { 'x-amz-checksum-sha256': Buffer.from(checkedName(name), 'hex').toString('base64') }
      const headers = { 'content-type': 'application/octet-stream', ...checksum }
      await ask({ method: 'PUT', key: name, headers, body }, ({ status }) => status === 200 || status === 201)
    },
    get: async (name) => {
      const answer = await ask(
        { method: 'GET', key: checkedName(name) },
        ({ status, body }) => status === 200 && createHash('sha256').update(body).digest('hex') === name,
      )
      return answer.body
    },
    remove: async (name) => {
      // A bucket that is away answers 404 too, with another code.
      await ask(
        { method: 'DELETE', key: checkedName(name) },
        (answer) =>
          answer.status === 204 || answer.status === 200 || (answer.status === 404 && codeOf(answer) === 'NoSuchKey'),
      )
    },
    health,
  }
}
