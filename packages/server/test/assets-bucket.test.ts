import { createHash } from 'node:crypto'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkBucket } from '../src/cli/doctor/bucket-check.ts'
import { loadConfig } from '../src/config/config.ts'
import { type Clock, systemClock } from '../src/kernel/clock.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'
import { temporaryDirectory } from './support/services.ts'
import { hasSwift, startSwift, type SwiftService } from './support/swift.ts'

const secret = 'lantern-in-the-bucket'

describe.runIf(hasSwift)('assets in a bucket (needs Debian’s swift-proxy, -account, -container and -object)', () => {
  let swift: SwiftService
  let house: House
  let environment: Record<string, string>
  let headers: Record<string, string>
  beforeAll(async () => {
    swift = await startSwift()
    environment = {
      HEADGATE_ASSETS_S3_BUCKET: swift.bucket,
      HEADGATE_ASSETS_S3_ENDPOINT: swift.endpoint,
      HEADGATE_ASSETS_S3_PREFIX: 'head/gate/',
      HEADGATE_ASSETS_S3_ACCESS_KEY_ID: swift.credentials.accessKeyId,
      HEADGATE_ASSETS_S3_SECRET_ACCESS_KEY: swift.credentials.secretAccessKey,
    }
    const clock: Clock = {
      ...systemClock,
      every: (ms, callback) => systemClock.every(ms === 60_000 ? 500 : ms, callback),
    }
    house = await startHouse({ environment, overrides: { clock } })
    headers = { authorization: `Bearer ${(await house.makeKey()).key}` }
  }, 120_000)
  afterAll(async () => {
    await house?.stop()
    await swift?.stop()
  })

  it('are uploaded by tus, read in parts, and erased with their objects', async () => {
    const bytes = Buffer.from(`${secret} ü\n`.repeat(210_000)).subarray(0, 5_000_001)
    const id = await new Promise<string>((resolve, reject) => {
      new Upload(bytes, {
        endpoint: `${house.url}/v1/uploads`,
        headers,
        chunkSize: 3_000_000,
        onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('x-headgate-asset') as string),
        onError: reject,
      }).start()
    })
    const path = `${house.url}/v1/assets/${id}/content`
    const whole = Buffer.from(await (await fetch(path, { headers })).arrayBuffer())
    const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
    expect(sha256(whole)).toBe(sha256(bytes))
    const part = await fetch(path, { headers: { ...headers, range: 'bytes=2097150-3000002' } })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(2_097_150, 3_000_003))).toBe(true)
    expect((await swift.objects()).length).toBeGreaterThanOrEqual(3)
    expect((await fetch(`${house.url}/v1/assets/${id}`, { method: 'DELETE', headers })).status).toBe(200)
    await vi.waitFor(async () => expect(await swift.objects()).toEqual([]), { timeout: 15_000, interval: 50 })
  }, 60_000)

  it('are swept away where an upload has expired', async () => {
    const begun = await fetch(`${house.url}/v1/uploads`, {
      method: 'POST',
      headers: {
        ...{ ...headers, 'tus-resumable': '1.0.0', 'upload-length': '9000000' },
        'content-type': 'application/offset+octet-stream',
      },
      body: Buffer.alloc(5_000_000, 'half'),
    })
    expect([begun.status, begun.headers.get('upload-offset')]).toEqual([201, '5000000'])
    const limits = async () => (await fetch(`${house.url}/v1/assets/limits`, { headers })).json()
    expect(await limits()).toMatchObject({ used_bytes: 9_000_000 })
    expect((await swift.objects()).length).toBe(3)
    await queryDatabase(house.databaseUrl, `UPDATE headgate.asset_uploads SET expires_at = now() - interval '1 second'`)
    await vi.waitFor(async () => expect(await swift.objects()).toEqual([]), { timeout: 15_000, interval: 50 })
    expect(await limits()).toMatchObject({ used_bytes: 0 })
  }, 60_000)

  it('are refused while the bucket is away, and come back with it', async () => {
    const keep = (body: string) => fetch(`${house.url}/v1/assets?name=a`, { method: 'POST', headers, body })
    const ready = async () => (await (await fetch(`${house.url}/readyz`)).json()) as { parts: Record<string, string> }
    expect((await ready()).parts['assets']).toBe('ok')
    const { id } = (await (await keep('before')).json()) as { id: string }
    await swift.pause()
    const refused = await keep('lost')
    expectError(
      { status: refused.status, headers: refused.headers, text: await refused.text() },
      'asset_store_unavailable',
    )
    expect((await ready()).parts['assets']).toBe('degraded')
    await swift.goOn()
    expect((await keep('found')).status).toBe(201)
    expect(await (await fetch(`${house.url}/v1/assets/${id}/content`, { headers })).text()).toBe('before')
    expect((await ready()).parts['assets']).toBe('ok')
  }, 60_000)

  it('are looked after by the doctor, who leaves no object behind', async () => {
    const before = await swift.objects()
    const look = async (more: Record<string, string> = {}) =>
      checkBucket(
        await loadConfig({ cwd: await temporaryDirectory('doctor'), environment: { ...environment, ...more } }),
      )
    expect(await look()).toMatchObject([{ check: 'bucket', state: 'ok' }])
    expect(await look({ HEADGATE_ASSETS_S3_SECRET_ACCESS_KEY: 'another' })).toMatchObject([
      { state: 'fault', message: expect.stringContaining('403 SignatureDoesNotMatch') },
    ])
    expect(await look({ HEADGATE_ASSETS_S3_BUCKET: 'no-such-bucket' })).toMatchObject([
      { state: 'fault', message: expect.stringContaining('404 NoSuchBucket') },
    ])
    expect((await swift.objects()).length).toBe(before.length)
  }, 60_000)
})
