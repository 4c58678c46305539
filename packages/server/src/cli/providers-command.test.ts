import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpDatabase } from '../../test/faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
const canary = 'planted-key-of-the-command-line-0123'

let folder: string
let database: TestDatabase
let upstream: Upstream
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-cli-'))
  database = await freshDatabase()
  upstream = await startUpstream()
  await writeFile(join(folder, 'key'), `${canary}\n`)
  await writeFile(join(folder, 'headers'), 'x-own: planted header\n\nx-two: 2\n')
})
afterAll(async () => {
  await upstream.close()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

let printed = ''
const run = (...words: string[]) =>
  new Promise<{ code: number; json: Record<string, unknown> }>((resolve) => {
    execFile(
      process.execPath,
      [cli, ...words, '--json'],
      {
        cwd: folder,
        timeout: 60_000,
        env: { PATH: process.env['PATH'], HOME: folder, HEADGATE_DATABASE_URL: database.url },
      },
      (error, stdout, stderr) => {
        printed += stdout + stderr
        resolve({ code: error ? Number(error.code ?? -1) : 0, json: JSON.parse(stdout || stderr) })
      },
    )
  })

test('a provider is added, tested, changed, rewrapped and removed from the command line, its key never shown', async () => {
  const address = ['--base-url', `${upstream.url}/v1`]
  const secrets = ['--api-key-file', 'key', '--headers-file', 'headers']
  const added = await run('providers', 'add', 'mine', ...address, ...secrets)
  expect(added.json).toMatchObject({ state: 'active', api_key: { last4: '0123' }, headers: ['x-own', 'x-two'] })

  expect((await run('providers', 'test', 'mine')).json).toMatchObject({ ok: true })
  expect(upstream.requests().at(-1)?.headers).toMatchObject({
    authorization: `Bearer ${canary}`,
    'x-own': 'planted header',
  })

  expect((await run('encryption', 'rotate')).json).toMatchObject({ version: 2, rewrapped: 1, destroyed: [1] })
  expect((await run('encryption', 'status')).json).toMatchObject({
    keys: [
      { version: 2, state: 'active', data_keys: 1, opens: true },
      { version: 1, state: 'destroyed', opens: false },
    ],
  })
  expect((await run('providers', 'test', 'mine')).json).toMatchObject({ ok: true })

  const changed = await run('providers', 'update', 'mine', '--no-headers', '--no-stream-usage')
  expect(changed.json).toMatchObject({ headers: [], stream_usage: false, api_key: { last4: '0123' } })
  expect(await run('providers', 'add', 'mine', ...address)).toMatchObject({ code: 1 })
  expect((await run('providers', 'list')).json).toMatchObject({
    data: [{ name: 'demo' }, { name: 'mine', source: 'operator' }],
  })

  await run('providers', 'update', 'mine', '--base-url', 'http://127.0.0.1:1/v1', '--no-api-key')
  expect(await run('providers', 'test', 'mine')).toMatchObject({ code: 1, json: { ok: false } })
  expect(await run('providers', 'remove', 'mine')).toMatchObject({ code: 0, json: { deleted: true } })
  expect(await run('providers', 'remove', 'mine')).toMatchObject({ code: 5 })
  expect(printed).not.toContain(canary)
  const dump = await dumpDatabase(database.url)
  expect(dump).toContain('encryption_key.destroyed')
  expect(dump).not.toContain(canary)
}, 120_000)
