import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
let home: TestDatabase
let folder: string

beforeAll(async () => {
  home = await freshDatabase()
  folder = await mkdtemp(join(tmpdir(), 'headgate-adjust-'))
}, 120_000)
afterAll(async () => {
  await home.drop()
  await rm(folder, { recursive: true, force: true })
})

const run = (...words: string[]) =>
  new Promise<{ code: number; json: Record<string, unknown> }>((resolve) => {
    const environment = { PATH: process.env['PATH'], HOME: folder, HEADGATE_DATABASE_URL: home.url }
    execFile(
      process.execPath,
      [cli, ...words, '--json'],
      { cwd: folder, timeout: 60_000, env: environment },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, json: JSON.parse(stdout || stderr) }),
    )
  })

test('a key is topped up from the command line, and the ledger stays clean', async () => {
  const { json: key } = await run('keys', 'create', 'app', '--budget-usd', '5', '--budget-window', 'total')
  const id = String(key['id'])
  const words = ['--key', id, '--amount-usd', '-2.5', '--reason', 'Top-up']
  expect(await run('ledger', 'adjust', ...words)).toMatchObject({ code: 0, json: { key_id: id, amount_usd: '-2.5' } })
  expect((await run('keys', 'show', id)).json).toMatchObject({ budget: { limit_usd: '5', spent_usd: '-2.5' } })
  expect(await run('ledger', 'verify')).toMatchObject({ code: 0, json: { ok: true, findings: [] } })
  const none = await run('ledger', 'adjust', '--key', 'aaaaaaaaaaaa', '--amount-usd', '1', '--reason', 'x')
  expect(none).toMatchObject({ code: 5, json: { error: { code: 'resource_not_found' } } })
}, 180_000)
