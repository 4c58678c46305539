import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificate } from '../../../test/support/certificate.ts'
import { freshDatabase } from '../../../test/support/database.ts'
import { redisUrl } from '../../../test/support/redis.ts'
import { checkNode } from './machine-checks.ts'
import type { Finding } from './finding.ts'

const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-doctor-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Diagnosis {
  readonly code: number
  readonly text: string
  readonly findings: readonly Finding[]
}

/** Runs `headgate doctor` itself, with nothing of this environment but the path. */
const doctor = (words: readonly string[] = [], environment: Record<string, string> = {}): Promise<Diagnosis> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, 'doctor', '--json', ...words],
      {
        cwd: folder,
        timeout: 60_000,
        env: { PATH: process.env['PATH'], HOME: folder, HEADGATE_PORT: '0', ...environment },
      },
      (error, stdout, stderr) =>
        resolve({
          code: error ? Number(error.code ?? -1) : 0,
          text: stdout + stderr,
          findings: (JSON.parse(stdout) as { findings: Finding[] }).findings,
        }),
    )
  })

const found = ({ findings }: Diagnosis, check: string) => findings.find((finding) => finding.check === check)

it('finds nothing wrong with a fresh folder, and leaves nothing in it', async () => {
  const diagnosis = await doctor()
  expect(diagnosis.code).toBe(0)
  expect(diagnosis.findings.filter(({ state }) => state === 'fault' || state === 'warning')).toEqual([])
  expect(diagnosis.findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining([
      'node',
      'configuration',
      'folder',
      'space',
      'root_key',
      'port',
      'database',
      'redis',
      'engines.embeddings-en',
      'engines.espeak-ng',
      'engines.flite',
      'engines.pocketsphinx',
      'providers',
    ]),
  )
  expect(await readdir(folder)).toEqual([])
}, 60_000)

it('names every fault of the configuration, and leaves the rest for later', async () => {
  const diagnosis = await doctor(['--port', 'abc'], { HEADGATE_PROT: '1' })
  expect(diagnosis.code).toBe(3)
  const messages = diagnosis.findings.filter(({ check }) => check === 'configuration').map(({ message }) => message)
  expect(messages).toHaveLength(2)
  expect(messages.join()).toMatch(/HEADGATE_PORT[^]*port|port[^]*HEADGATE_PORT/)
  expect(found(diagnosis, 'rest')?.state).toBe('skipped')
}, 60_000)

it('sees a port in use, and an open root key', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const data = join(folder, 'open')
  await mkdir(data)
  await writeFile(join(data, 'root.key'), `${'x9'.repeat(20)}\n`)
  await chmod(join(data, 'root.key'), 0o644)
  try {
    const diagnosis = await doctor(['--port', String(port), '--data-dir', data])
    expect(diagnosis.code).toBe(1)
    expect(found(diagnosis, 'port')).toMatchObject({
      state: 'fault',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    expect(found(diagnosis, 'folder.root_key')).toMatchObject({
      state: 'fault',
      fix: expect.stringContaining('chmod 600'),
    })
    expect(await readdir(data)).toEqual(['root.key'])
  } finally {
    server.close()
  }
}, 60_000)

it('warns of a configured root key that the folder does not know', async () => {
  const data = join(folder, 'moved')
  await mkdir(data)
  await writeFile(join(data, 'root.key'), 'nR6cY3pL8sD5fG0jAhK2vQ9xW4mZ7tB1\n', { mode: 0o600 })
  const configured = 'hK2vQ9xW4mZ7tB1nR6cY3pL8sD5fG0jA'
  const diagnosis = await doctor(['--data-dir', data], { HEADGATE_ROOT_KEY: configured })
  expect(diagnosis.code).toBe(0)
  expect(found(diagnosis, 'root_key')).toMatchObject({ state: 'warning', code: 'invalid_api_key' })
  expect(diagnosis.text).not.toContain(configured)
  expect(diagnosis.text).not.toContain('nR6cY3pL8sD5fG0jAhK2vQ9xW4mZ7tB1')
}, 60_000)

it('tells apart a PostgreSQL that serves, one whose user may too little, and one that is away', async () => {
  const home = await freshDatabase()
  const name = `poor_${process.pid}`
  const client = new pg.Client(home.url)
  await client.connect()
  try {
    const well = await doctor([], { DATABASE_URL: home.url })
    expect(well.code).toBe(0)
    expect(found(well, 'database')).toMatchObject({
      state: 'ok',
      message: expect.stringMatching(/^PostgreSQL \d+ answers/),
    })

    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret-of-poor'`)
    const url = new URL(home.url)
    url.username = name
    url.password = 'secret-of-poor'
    const poor = await doctor([], { DATABASE_URL: url.href })
    expect(poor.code).toBe(1)
    expect(found(poor, 'database.role')).toMatchObject({
      state: 'fault',
      fix: expect.stringContaining('headgate_runtime'),
    })
    expect(poor.text).not.toContain('secret-of-poor')

    await client.query("INSERT INTO headgate.migrations (version, name, checksum) VALUES (9999, 'later', 'x')")
    const newer = await doctor([], { DATABASE_URL: home.url })
    expect(found(newer, 'database.schema')).toMatchObject({ state: 'fault', message: expect.stringContaining('9999') })
  } finally {
    await client.query(`DROP ROLE IF EXISTS ${name}`)
    await client.end()
    await home.drop()
  }
  const awayUrl = `postgres://nobody:${'hidden'}-word@127.0.0.1:1/none`
  const away = await doctor([], { DATABASE_URL: awayUrl })
  expect(away.code).toBe(4)
  expect(found(away, 'database')).toMatchObject({ state: 'fault', code: 'database_unavailable' })
  expect(away.text).not.toContain('hidden-word')
}, 120_000)

it('reads the certificate: how long it lasts, and for whom', async () => {
  const { cert, key } = await makeCertificate('headgate', 5)
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key, { mode: 0o644 })
  const words = ['--tls-cert', certFile, '--tls-key', keyFile, '--public-url', 'https://api.example.org']
  const diagnosis = await doctor(words)
  expect(diagnosis.code).toBe(0)
  for (const check of ['tls', 'tls.name', 'tls.key']) expect(found(diagnosis, check)?.state, check).toBe('warning')
  expect(diagnosis.text).not.toContain('PRIVATE KEY')
}, 60_000)

it('asks Redis for its version, and warns where none answers', async () => {
  const diagnosis = await doctor([], { REDIS_URL: redisUrl() })
  expect(found(diagnosis, 'redis')).toMatchObject({
    state: 'ok',
    message: expect.stringMatching(/^(Redis|Valkey) \d+/),
  })
  const away = await doctor([], { REDIS_URL: 'redis://127.0.0.1:1' })
  expect(away.code).toBe(0)
  expect(found(away, 'redis')).toMatchObject({ state: 'warning', message: expect.stringContaining('ECONNREFUSED') })
}, 60_000)

it('asks providers only when told, and names the error that callers would see', async () => {
  const upstream = await startUpstream()
  try {
    const providers = JSON.stringify({
      up: { kind: 'openai', base_url: `${upstream.url}/v1`, api_key: 'a-key-to-hide' },
      gone: { kind: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key: 'a-key-to-hide' },
    })
    const quiet = await doctor([], { HEADGATE_PROVIDERS: providers })
    expect(found(quiet, 'providers')?.state).toBe('skipped')
    const asked = await doctor(['--ask-providers'], { HEADGATE_PROVIDERS: providers })
    expect(asked.code).toBe(1)
    expect(found(asked, 'providers.up')).toMatchObject({ state: 'ok' })
    expect(found(asked, 'providers.gone')).toMatchObject({ state: 'fault', code: 'upstream_unreachable' })
    expect(asked.text).not.toContain('a-key-to-hide')
    for (const { code } of asked.findings) if (code !== undefined) expect(errorCatalogue[code]).toBeDefined()
  } finally {
    await upstream.close()
  }
}, 60_000)

it('knows a Node.js that is too old', () => {
  expect(checkNode('20.20.2').state).toBe('fault')
  expect(checkNode('22.18.0').state).toBe('fault')
  expect(checkNode('22.19.0').state).toBe('ok')
  expect(checkNode('24.1.0').state).toBe('ok')
})
