import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { signedHeaders } from './aws-signature.ts'
import { createS3Blobs } from './blobs.s3.ts'
import { systemClock } from './clock.ts'

const credentials = { accessKeyId: 'sailor', secretAccessKey: 'lantern', sessionToken: 'lent/for+a==time' }
const bytes = Buffer.from('The sea is wide.')
const name = createHash('sha256').update(bytes).digest('hex')
const errorOf = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`

/** What the service does with each request in turn; the last one again and again. */
type Step = (response: ServerResponse) => unknown
const answer =
  (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Step =>
  (response) =>
    response.writeHead(status, headers).end(body)
const hangUp: Step = (response) => response.destroy()

let server: Server
let steps: Step[] = []
let seen: { request: IncomingMessage; body: Buffer }[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      seen.push({ request, body: Buffer.concat(pieces) })
      const step = steps.length > 1 ? steps.shift() : steps[0]
      step?.(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  seen = []
})
const open = (options: { timeoutMs?: number } = {}) =>
  createS3Blobs(
    {
      name: 'sea',
      region: 'eu-north-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`,
      prefix: 'head/gate/',
      isInPath: true,
      credentials,
    },
    { clock: systemClock, random: () => 0.01, ...options },
  )

it('signs what it puts, with its SHA-256 and the token of a lent key', async () => {
  steps = [answer(200)]
  await open().put(name, bytes)
  const { request, body } = seen[0] as (typeof seen)[0]
  expect([request.method, request.url, body]).toEqual(['PUT', `/base/sea/head/gate/${name}`, bytes])
  expect(request.headers).toMatchObject({
    'x-amz-content-sha256': name,
    'x-amz-checksum-sha256': Buffer.from(name, 'hex').toString('base64'),
    'x-amz-security-token': credentials.sessionToken,
  })
  const time = String(request.headers['x-amz-date'])
  const at = Date.parse(time.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/, '$1-$2-$3T$4:$5:$6'))
  const headers = Object.fromEntries(
    ['content-type', 'x-amz-checksum-sha256'].map((header) => [header, String(request.headers[header])]),
  )
  const url = `http://${request.headers.host}${request.url}`
  const expected = signedHeaders({ method: 'PUT', url, headers, body }, credentials, 'eu-north-1', 's3', at)
  expect(request.headers.authorization).toBe(expected['authorization'])
})

it('tries again what fails in passing, and nothing else', async () => {
  for (const fault of [answer(503, errorOf('SlowDown')), answer(429), answer(400, errorOf('RequestTimeout')), hangUp]) {
    seen = []
    steps = [fault, fault, answer(200)]
    await open().put(name, bytes)
    expect(seen.map(({ body }) => body)).toEqual([bytes, bytes, bytes])
  }
  seen = []
  steps = [answer(403, errorOf('SignatureDoesNotMatch'))]
  await expect(open().put(name, bytes)).rejects.toThrow('The bucket sea answered 403 SignatureDoesNotMatch to PUT')
  steps = [
    answer(301, errorOf('PermanentRedirect'), { 'x-amz-bucket-region': 'eu-west-1', location: 'http://127.0.0.1:1/' }),
  ]
  await expect(open().get(name)).rejects.toThrow('301 PermanentRedirect; the bucket is in the region eu-west-1')
  expect(seen).toHaveLength(2)
})

it('gives up after four tries, and says so until it is well again', async () => {
  const blobs = open({ timeoutMs: 100 })
  expect(blobs.health()).toEqual({ state: 'ok' })
  steps = [() => {}]
  await expect(blobs.get(name)).rejects.toMatchObject({ name: 'BlobsUnavailable', cause: { name: 'TimeoutError' } })
  expect(seen).toHaveLength(4)
  expect(blobs.health()).toEqual({ state: 'degraded', detail: 'The bucket does not answer' })
  steps = [answer(200, bytes)]
  expect(await blobs.get(name)).toEqual(bytes)
  expect(blobs.health()).toEqual({ state: 'ok' })
})

it('gives nothing back that is not what was put', async () => {
  steps = [answer(200, 'The sea is'), answer(200, bytes)]
  expect(await open().get(name)).toEqual(bytes)
  steps = [answer(200, '<html>Sign in to this network</html>')]
  await expect(open().get(name)).rejects.toMatchObject({ name: 'BlobsUnavailable' })
})

it('takes an object that is not there for erased, but not one whose bucket is not there', async () => {
  steps = [answer(404, errorOf('NoSuchKey'))]
  await open().remove(name)
  steps = [answer(404, errorOf('NoSuchBucket'))]
  await expect(open().remove(name)).rejects.toThrow('404 NoSuchBucket')
})
