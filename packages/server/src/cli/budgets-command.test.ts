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
  folder = await mkdtemp(join(tmpdir(), 'headgate-budgets-'))
}, 120_000)
afterAll(async () => {
  await home.drop()
  await rm(folder, { recursive: true, force: true })
})

const run = (...words: string[]) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const environment = { PATH: process.env['PATH'], HOME: folder, HEADGATE_DATABASE_URL: home.url }
    execFile(
      process.execPath,
      [cli, 'budgets', ...words],
      { cwd: folder, timeout: 60_000, env: environment },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout || stderr }),
    )
  })

test('budgets are set, shown, listed and removed at the command line', async () => {
  const rule = ['--level', 'project', '--limit-usd', '20', '--window', 'month', '--project', 'default']
  expect((await run('set', 'monthly', ...rule)).code).toBe(0)
  expect(JSON.parse((await run('show', 'monthly', '--json')).output)).toMatchObject({
    name: 'monthly',
    source: 'operator',
    rule: { level: 'project', limit_usd: '20', window: 'month', project: 'default' },
    accounts: [{ subject: 'default', spent_usd: '0', remaining_usd: '20' }],
  })
  expect((await run('list')).output).toMatch(/monthly\s+operator\s+project\s+default\s+20\s+month/)
  expect((await run('set', 'monthly', '--level', 'city', '--limit-usd', '1', '--window', 'day')).code).not.toBe(0)
  await run('set', 'any-hour', '--level', 'key', '--limit-usd', '1', '--window', 'hour', '--rolling', '--soft')
  expect((await run('list')).output).toMatch(/any-hour\s+operator\s+key\s+all\s+1\s+hour rolling soft/)
  expect((await run('remove', 'monthly')).output).toContain('removed')
  expect((await run('show', 'monthly')).code).toBe(5)
}, 180_000)
