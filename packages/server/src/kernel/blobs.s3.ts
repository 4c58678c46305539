import { createHash } from 'node:crypto'
import { type AwsCredentials, signedHeaders } from './aws-signature.ts'
import { type Blobs, BlobsUnavailable, checkedName } from './blobs.ts'
import type { Clock } from './clock.ts'
import type { HealthReport } from './feature.ts'
import { askForObject, type ObjectAnswer, type ObjectRequest } from './outbound-object.ts'
import { backoffMs, createRetryBudget, parseRetryAfter } from './retry.ts'

/** A bucket, and who asks for it. */
export interface Bucket {
  readonly name: string
  readonly region: string
  /** Where the service listens, without bucket; absent: AWS. */
  readonly endpoint?: string
  /** What the keys of all objects begin with; may be empty. */
  readonly prefix: string
  /** The bucket is the first segment of the path, not part of the host. */
  readonly isInPath: boolean
  readonly credentials: AwsCredentials
}

/** Objects in a bucket, and how it stands. */
export interface S3Blobs extends Blobs {
  /** `degraded` for a minute after the bucket could not be used last; asks nobody. */
  readonly health: () => HealthReport
}

export interface S3Options {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Of one try. Default: 10 seconds. */
  readonly timeoutMs?: number
  /** Of all tries together. Default: 25 seconds. */
  readonly wholeMs?: number
}

/** More than any object that is put. */
const MOST_BYTES = 16_777_216
const MOST_TRIES = 4
const DEGRADED_MS = 60_000
/** What a service answers that may take the same request soon (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const passing: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])
const passingCodes: ReadonlySet<string> = new Set(['RequestTimeout', 'OperationAborted'])
/** That many retries are free in ten seconds, so that a lone upload is helped too. */
const FREE_RETRIES = 10

const addressOf = ({ name, region, endpoint, isInPath }: Bucket): string => {
  const base = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
  const path = base.pathname.replace(/\/+$/, '')
  return isInPath ? `${base.origin}${path}/${name}` : `${base.protocol}//${name}.${base.host}${path}`
}

/** The code of an error document, such as `NoSuchKey`. */
const codeOf = ({ body }: ObjectAnswer): string => /<Code>(\w{1,64})<\/Code>/.exec(body.toString('latin1'))?.[1] ?? ''

/** What a service that is not satisfied says, in words for an operator. */
const refusalOf = (answer: ObjectAnswer): string => {
  const region = answer.headers['x-amz-bucket-region']
  const where = typeof region === 'string' ? `; the bucket is in the region ${region.slice(0, 40)}` : ''
  return `${answer.status} ${codeOf(answer)}`.trim() + where
}

/**
 * Objects in a bucket of S3, or of a service that speaks its protocol, by signed requests. What fails in passing is tried again after a
 * random wait: every request here may be repeated, as a name says what is stored under it.
 */
export const createS3Blobs = (bucket: Bucket, options: S3Options): S3Blobs => {
  const { clock, random, timeoutMs = 10_000, wholeMs = 25_000 } = options
  const address = `${addressOf(bucket)}/${bucket.prefix}`
  const budget = createRetryBudget(clock, { floor: FREE_RETRIES })
  let failed: { readonly at: number; readonly detail: string } | null = null

  const attempt = (method: ObjectRequest['method'], name: string, body: Buffer, leftMs: number) => {
    const url = address + name
    // A store that knows the header keeps it with the object; the name is the SHA-256.
    const checksum = { 'x-amz-checksum-sha256': Buffer.from(name, 'hex').toString('base64') }
    const headers = { 'content-type': 'application/octet-stream', ...checksum }
    const request = { method, url, headers: method === 'PUT' ? headers : {}, body }
    const signed = signedHeaders(request, bucket.credentials, bucket.region, 's3', clock.now())
    return askForObject({ ...request, headers: signed }, Math.ceil(Math.min(timeoutMs, leftMs)), MOST_BYTES)
  }
  /** Rejects with `BlobsUnavailable` unless `isDone`; asks again while that may help. */
  const ask = async (
    method: ObjectRequest['method'],
    name: string,
    isDone: (answer: ObjectAnswer) => boolean,
    body: Buffer = Buffer.alloc(0),
  ): Promise<ObjectAnswer> => {
    checkedName(name)
    budget.request()
    const until = clock.monotonic() + wholeMs
    for (let tries = 1; ; tries += 1) {
      let answer: ObjectAnswer | null = null
      let cause: unknown
      try {
        answer = await attempt(method, name, body, until - clock.monotonic())
        if (isDone(answer)) {
          failed = null
          return answer
        }
      } catch (thrown) {
        cause = thrown
      }
      const isLost = answer?.status === 404 && codeOf(answer) === 'NoSuchKey'
      // A success that is none is an object that was cut or changed on its way.
      const mayPass =
        answer === null || answer.status < 300 || passing.has(answer.status) || passingCodes.has(codeOf(answer))
      const asked = answer === null ? undefined : parseRetryAfter(answer.headers['retry-after'], clock.now())
      const waitMs = Math.max(backoffMs(tries, random()), asked ?? 0)
      if (mayPass && tries < MOST_TRIES && clock.monotonic() + waitMs < until && budget.take()) {
        await new Promise<void>((resolve) => clock.after(waitMs, resolve))
        continue
      }
      const detail = answer === null ? 'does not answer' : `answered ${refusalOf(answer)}`
      // That an object is lost says nothing against the bucket.
      failed = isLost ? null : { at: clock.monotonic(), detail: `The bucket ${detail}` }
      throw new BlobsUnavailable(`The bucket ${bucket.name} ${detail} to ${method}`, { cause })
    }
  }

  return {
    put: async (name, bytes) => {
      await ask('PUT', name, ({ status }) => status === 200 || status === 201, bytes)
    },
    get: async (name) => {
      const isWhole = ({ status, body }: ObjectAnswer) =>
        status === 200 && createHash('sha256').update(body).digest('hex') === name
      return (await ask('GET', name, isWhole)).body
    },
    remove: async (name) => {
      // A bucket that is away answers 404 too, with another code.
      await ask(
        'DELETE',
        name,
        (answer) =>
          answer.status === 204 || answer.status === 200 || (answer.status === 404 && codeOf(answer) === 'NoSuchKey'),
      )
    },
    health: () =>
      failed !== null && clock.monotonic() - failed.at < DEGRADED_MS
        ? { state: 'degraded', detail: failed.detail }
        : { state: 'ok' },
  }
}
