import { type AwsCredentials, signedHeaders } from './aws-signature.ts'
import { BlobsUnavailable } from './blobs.ts'
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

/** What is asked of a bucket. */
export interface BucketRequest {
  readonly method: ObjectRequest['method']
  /** Behind the prefix. */
  readonly key: string
  /** Behind the question mark, without it; may be empty. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** A bucket that answers. */
export interface BucketDoor {
  /** Rejects with `BlobsUnavailable` unless `isDone`; asks again while that may help. Every request is one that may be repeated. */
  readonly ask: (request: BucketRequest, isDone: (answer: ObjectAnswer) => boolean) => Promise<ObjectAnswer>
  /** `degraded` for a minute after the bucket could not be used last; asks nobody. */
  readonly health: () => HealthReport
}

export interface BucketOptions {
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
export const codeOf = ({ body }: ObjectAnswer): string =>
  /<Code>(\w{1,64})<\/Code>/.exec(body.toString('latin1'))?.[1] ?? ''

/** What a service that is not satisfied says, in words for an operator. */
const refusalOf = (answer: ObjectAnswer): string => {
  const region = answer.headers['x-amz-bucket-region']
  const where = typeof region === 'string' ? `; the bucket is in the region ${region.slice(0, 40)}` : ''
  return `${answer.status} ${codeOf(answer)}`.trim() + where
}

/**
 * A bucket of S3, or of a service that speaks its protocol, asked by signed requests. What fails in passing is tried again after a
 * random wait.
 */
export const openBucketDoor = (bucket: Bucket, options: BucketOptions): BucketDoor => {
  const { clock, random, timeoutMs = 10_000, wholeMs = 25_000 } = options
  const address = addressOf(bucket)
  const budget = createRetryBudget(clock, { floor: FREE_RETRIES })
  let failed: { readonly at: number; readonly detail: string } | null = null

  const attempt = ({ method, key, query, headers = {}, body = Buffer.alloc(0) }: BucketRequest, leftMs: number) => {
    const url = query === undefined ? `${address}/${bucket.prefix}${key}` : `${address}/?${query}`
    const request = { method, url, headers, body }
    const signed = signedHeaders(request, bucket.credentials, bucket.region, 's3', clock.now())
    return askForObject({ ...request, headers: signed }, Math.ceil(Math.min(timeoutMs, leftMs)), MOST_BYTES)
  }

  return {
    ask: async (request, isDone) => {
      budget.request()
      const until = clock.monotonic() + wholeMs
      for (let tries = 1; ; tries += 1) {
        let answer: ObjectAnswer | null = null
        let cause: unknown
        try {
          answer = await attempt(request, until - clock.monotonic())
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
        throw new BlobsUnavailable(`The bucket ${bucket.name} ${detail} to ${request.method}`, { cause })
      }
    },
    health: () =>
      failed !== null && clock.monotonic() - failed.at < DEGRADED_MS
        ? { state: 'degraded', detail: failed.detail }
        : { state: 'ok' },
  }
}
