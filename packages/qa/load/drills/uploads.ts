import { createCipheriv, createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Process, startProcess } from '../../benchmarks/processes.ts'
import type { Drill, Scale } from '../drill.ts'
import type { House } from '../house.ts'
import { pause, seeded } from '../pace.ts'
import type { Report } from '../report.ts'
import { type Bucket, startBucket } from '../services.ts'

const BYTES = 200_000_000
const KILLS = 20
const ABANDONED_BYTES = 20_000_000
const client = fileURLToPath(new URL('./uploading-client.ts', import.meta.url))
const folder = join(tmpdir(), `headgate-uploads-${process.pid}`)

/** Bytes that no compression shortens, the same for a seed. */
const bytesOf = (seed: number, length: number): Buffer => {
  const key = createHash('sha256').update(String(seed)).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

let bucket: Bucket | null = null
const onDisk = (): number =>
  readdirSync(join(folder, 'assets'), { recursive: true, encoding: 'utf8' }).filter((name) => name.length > 2).length
const objects = async (): Promise<number> => (bucket === null ? onDisk() : bucket.objects())

/** Half of an upload, whose client then goes for good. */
const abandon = async (house: House, key: string, path: string, bytes: Buffer): Promise<void> => {
  const headers = { authorization: `Bearer ${key}`, 'tus-resumable': '1.0.0' }
  const patch = { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
  await fetch(house.urlOf(0) + path, { method: 'PATCH', headers: patch, body: bytes.subarray(0, bytes.length / 2) })
}

/** What the hours do to what waits for them: uploads have expired, pieces that no upload took are due. */
const letTimePass = async ({ postgres }: House): Promise<void> => {
  await postgres.query(`UPDATE headgate.asset_uploads SET expires_at = now() - interval '1 second'`)
  await postgres.query('UPDATE headgate.asset_doomed SET due_at = least(due_at, now())')
}

/** Kills and goes on until the upload has come to its end. */
const uploadUnderKills = async (house: House, key: string, path: string, file: string, random: () => number) => {
  const offsetAt = async (replica: number): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, 'tus-resumable': '1.0.0' }
    const answer = await fetch(house.urlOf(replica) + path, { method: 'HEAD', headers }).catch(() => null)
    return Number(answer?.headers.get('upload-offset') ?? 0)
  }
  const kills = { client: 0, server: 0 }
  const steps = BYTES / (KILLS + 2)
  for (let replica = 0; ; replica = (replica + 1) % house.replicas) {
    const running: Process = await startProcess(client, [house.urlOf(replica) + path, key, file], /begun/)
    const watcher = (replica + 1) % house.replicas
    const goal = (await offsetAt(watcher)) + random() * steps
    const mustKill = kills.client + kills.server < KILLS
    const ended = { code: undefined as number | null | undefined }
    void running.exited.then((code) => (ended.code = code))
    while (ended.code === undefined && !(mustKill && (await offsetAt(watcher)) >= goal)) await pause(10)
    // Anywhere within a request, not only where bytes have just been kept.
    if (ended.code === undefined) await pause(random() * 60)
    if (ended.code === 0) return { kills, asset: /asset (\S+)/.exec(running.output())?.[1] ?? '' }
    if (ended.code === undefined && random() < 0.5) {
      kills.client += 1
      running.kill('SIGKILL')
    } else if (ended.code === undefined) {
      kills.server += 1
      await house.kill(replica)
      running.kill('SIGKILL')
      await house.restart(replica)
    }
    await running.exited
  }
}

const run = async (house: House, report: Report, { seed }: Scale): Promise<void> => {
  const { key } = await house.makeKey()
  const bytes = bytesOf(seed, BYTES)
  const file = join(folder, 'content.bin')
  await mkdir(folder, { recursive: true })
  await writeFile(file, bytes)
  const headers = { authorization: `Bearer ${key}`, 'tus-resumable': '1.0.0' }
  const begin = async (length: number): Promise<string> => {
    const method = 'POST'
    const all = { ...headers, 'upload-length': String(length) }
    const begun = await fetch(`${house.urlOf(0)}/v1/uploads`, { method, headers: all })
    return begun.headers.get('location') ?? ''
  }
  const startedAt = performance.now()
  const { kills, asset } = await uploadUnderKills(house, key, await begin(BYTES), file, seeded(seed))
  report.exactly('kills of client and server', kills.client + kills.server, KILLS)
  report.note('of them of the server', kills.server)
  report.note('took', Math.round((performance.now() - startedAt) / 1000), 's')
  for (let replica = 0; replica < house.replicas; replica += 1) {
    const answer = await fetch(`${house.urlOf(replica)}/v1/assets/${asset}/content`, { headers })
    const got = Buffer.from(await answer.arrayBuffer())
    report.exactly(`bytes that replica ${replica} gives`, got.length, BYTES)
    report.exactly(`they are the same at replica ${replica}`, sha256(got), sha256(bytes))
  }
  await fetch(`${house.urlOf(0)}/v1/assets/${asset}`, { method: 'DELETE', headers })
  const limits = async () =>
    (await (await fetch(`${house.urlOf(1)}/v1/assets/limits`, { headers })).json()) as { used_bytes: number }
  report.exactly('bytes that still count after it is erased', (await limits()).used_bytes, 0)
  for (let wait = 0; wait < 700 && (await objects()) > kills.server; wait += 1) await pause(100)
  // Of a piece that was being written when its server was killed; it is swept an hour after.
  report.atMost('objects that are left', await objects(), kills.server)

  await abandon(house, key, await begin(ABANDONED_BYTES), bytesOf(seed + 1, ABANDONED_BYTES))
  report.exactly('bytes that an abandoned upload takes', (await limits()).used_bytes, ABANDONED_BYTES)
  report.atLeast('objects that it has', await objects(), 1)
  await letTimePass(house)
  const isSwept = async () => (await objects()) === 0 && (await limits()).used_bytes === 0
  for (let wait = 0; wait < 700 && !(await isSwept()); wait += 1) await pause(100)
  report.exactly('objects that are left of everything once it has expired', await objects(), 0)
  report.exactly('bytes that count then', (await limits()).used_bytes, 0)
}

export const uploads: Drill = {
  name: 'uploads',
  about:
    '200 MB by the official client of tus under 20 kill -9 of client and server, at two replicas, on disk or S3: the same byte for byte',
  replicas: 2,
  backends: ['postgres'],
  seconds: 120,
  config: async ({ store }) => {
    bucket = store === 's3' ? await startBucket() : null
    return { assets: bucket === null ? { folder: join(folder, 'assets') } : { s3: bucket.settings } }
  },
  run,
  end: async () => {
    await bucket?.stop()
    await rm(folder, { recursive: true, force: true })
  },
}
