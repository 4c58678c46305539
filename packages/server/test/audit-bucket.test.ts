import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../src/kernel/clock.ts'
import { openBucketDoor } from '../src/kernel/bucket.ts'
import { type TestDatabase, freshDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'
import { hasSwift, startSwift, type SwiftService } from './support/swift.ts'

describe.runIf(hasSwift)(
  'checkpoints in a bucket (needs Debian’s swift-proxy, -account, -container and -object)',
  () => {
    let swift: SwiftService
    let home: TestDatabase
    let house: House
    const prefix = 'proof/'
    beforeAll(async () => {
      swift = await startSwift()
      home = await freshDatabase()
      house = await startHouse({
        databaseUrl: home.url,
        environment: {
          HEADGATE_AUDIT_S3_BUCKET: swift.bucket,
          HEADGATE_AUDIT_S3_ENDPOINT: swift.endpoint,
          HEADGATE_AUDIT_S3_PREFIX: prefix,
          HEADGATE_AUDIT_S3_ACCESS_KEY_ID: swift.credentials.accessKeyId,
          HEADGATE_AUDIT_S3_SECRET_ACCESS_KEY: swift.credentials.secretAccessKey,
          // By hand alone.
          HEADGATE_AUDIT_CHECKPOINT_SECONDS: '86400',
        },
      })
    }, 120_000)
    afterAll(async () => {
      await house?.stop()
      await home?.drop()
      await swift?.stop()
    })

    const door = () =>
      openBucketDoor(
        { ...swift, name: swift.bucket, prefix, isInPath: true },
        { clock: systemClock, random: Math.random },
      )
    const keyOf = (size: number | string) => `${String(size).padStart(20, '0')}.json`
    const readObject = async (size: string) =>
      (await door().ask({ method: 'GET', key: keyOf(size) }, ({ status }) => status === 200)).body.toString()
    const plant = (size: number, body: string) =>
      door().ask({ method: 'PUT', key: keyOf(size), body: Buffer.from(body) }, ({ status }) => status === 200)
    /** Writes one entry more, and signs. */
    const sign = async (name: string) => {
      expect((await house.request('/admin/v1/projects', { body: { name } })).status).toBe(201)
      const answer = await house.request('/admin/v1/audit/checkpoints', { body: {} })
      return {
        status: answer.status,
        body: (await answer.json()) as { size: string; note: string; error: { code: string; message: string } },
      }
    }

    it('are written once each, as the lines of the file are', async () => {
      const made = [await sign('one'), await sign('two')]
      for (const { body } of made)
        expect(JSON.parse(await readObject(body.size))).toMatchObject({ size: Number(body.size), note: body.note })
      const lines = await readFile(join(house.dataDirectory, 'audit-checkpoints.jsonl'), 'utf8')
      expect((await Promise.all(made.map(({ body }) => readObject(body.size)))).join('')).toBe(lines)
    })

    it('tell of another history: one checkpoint that differs, and one that the database never had', async () => {
      const { body } = await sign('three')
      const line = await readObject(body.size)
      await plant(Number(body.size) + 9, line)
      const { error } = (await sign('four')).body
      expect(error).toMatchObject({ code: 'audit_broken', message: expect.stringContaining('does not hold') })

      const next = Number(body.size) + 2
      await plant(next, line)
      expect((await sign('five')).body.error.message).toContain(`another checkpoint of ${next} entries`)
      // What was there stays as it was.
      expect(await readObject(String(next))).toBe(line)
    })
  },
)
