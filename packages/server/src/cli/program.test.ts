import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageDescription from '../../package.json' with { type: 'json' }
import { freshDatabase } from '../../test/support/database.ts'
import { openDatabase } from '../kernel/db.ts'
import { startEmbedded } from '../kernel/embedded.ts'
import { findRunningStore } from './running-store.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
const quiet = { info: () => {}, warn: () => {}, error: () => {} }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-cli-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program itself in a folder of its own, with nothing of this environment but the path. */
const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, ...words],
      { cwd: folder, timeout: 60_000, env: { PATH: process.env['PATH'], HOME: folder, ...environment } },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr })
      },
    )
  })

const lines = ({ stdout }: Answer): string[][] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))

test('it tells its version', async () => {
  const { code, stdout } = await run(['--version'])
  expect([code, stdout.trim()]).toEqual([0, packageDescription.version])
})

describe('without a server', () => {
  test('a key lives its life on the embedded store, which is started for the moment and ended again', async () => {
    const made = await run(['keys', 'create', 'my app', '--budget-usd', '2.50', '--budget-window', 'day', '--json'])
    expect(made.stderr).toBe('')
    const key = JSON.parse(made.stdout) as { id: string; key: string; budget: object }
    expect(key).toMatchObject({ name: 'my app', tier: 'pro', budget: { limit_usd: '2.5', window: 'day' } })
    expect(key.key).toMatch(/^hg_sk_/)
    expect(await findRunningStore(join(folder, '.headgate'))).toBeNull()

    const updated = await run([
      'keys',
      'update',
      key.id,
      '--tier',
      'free',
      '--models',
      'demo, up/m',
      '--no-budget',
      '--json',
    ])
    expect(JSON.parse(updated.stdout)).toMatchObject({ tier: 'free', models: ['demo', 'up/m'], budget: null })
    const rotated = JSON.parse((await run(['keys', 'rotate', key.id, '--overlap-seconds', '60', '--json'])).stdout)
    expect(rotated.key).not.toBe(key.key)
    const revoked = await run(['keys', 'revoke', key.id, '--reason', 'test', '--compromised'])
    expect(lines(revoked)).toContainEqual(['state', 'compromised'])
    expect(lines(await run(['keys', 'list']))).toEqual([
      [key.id, 'my app', 'default', 'secret', 'free', 'compromised', '-', '-'],
    ])
  }, 120_000)

  test('says what is wrong in words, with its own exit status', async () => {
    expect(await run(['keys', 'show', 'abcdefghijkl'])).toMatchObject({ code: 5, stdout: '' })
    const tier = await run(['keys', 'create', 'x', '--tier', 'gold'])
    expect(tier).toMatchObject({ code: 1, stderr: expect.stringContaining('anonymous, free, pro, internal') })
    expect(tier.stderr).not.toContain('    at ')
    const typo = await run(['keys', 'crate', 'x'])
    expect(typo).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean create?') })
    const unknown = await run(['keys', 'create', 'x', '--kind', 'secretive', '--json'])
    expect(JSON.parse(unknown.stderr).error).toMatchObject({ code: 'invalid_parameter', exit_code: 1 })
    const away = await run(['keys', 'list'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
    expect(away).toMatchObject({ code: 4, stderr: expect.stringContaining('does not answer') })
  }, 120_000)

  test('config check and explain touch nothing and show no secret', async () => {
    const wrong = await run(['config', 'check'], { HEADGATE_PROT: '1' })
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('HEADGATE_PORT') })
    const secret = 'an admin key that nobody may see here'
    const explained = await run(['config', 'explain', '--port', '1234'], { HEADGATE_ADMIN_KEY: secret })
    expect(explained.code).toBe(0)
    expect(lines(explained)).toContainEqual(['port', '1234', 'flag --port', 'HEADGATE_PORT'])
    expect(explained.stdout).not.toContain(secret)
    expect(JSON.parse((await run(['config', 'schema'])).stdout)).toMatchObject({ title: 'headgate.yaml' })
  })
})

test('beside a running server the same commands use its store', async () => {
  const server = await startEmbedded({ dataDirectory: join(folder, '.headgate'), log: quiet })
  try {
    const made = await run(['keys', 'create', 'beside', '--json'])
    expect(made.stderr).toBe('')
    const { id } = JSON.parse(made.stdout) as { id: string }
    const database = openDatabase({ connection: server.connection, log: quiet })
    const { rows } = await database.read('system', ({ query }) =>
      query("SELECT action, actor FROM headgate.audit_entries WHERE resource = 'key/' || $1", [id]),
    )
    await database.close()
    expect(rows).toEqual([{ action: 'key.created', actor: 'cli' }])
    const reset = await run(['admin', 'reset-key'])
    expect(lines(reset)[0]?.[1]).toMatch(/^hg_admin_/)
  } finally {
    await server.stop()
  }
}, 120_000)

test('an external database works by its URL, and a configured admin key is not reset', async () => {
  const home = await freshDatabase()
  try {
    const environment = { DATABASE_URL: home.url, HEADGATE_ADMIN_KEY: 'a configured admin key of 40 characters!' }
    expect(await run(['migrate', '--json'], environment)).toMatchObject({ code: 0 })
    expect(lines(await run(['projects', 'create', 'Team', '--id', 'team'], environment))[0]).toEqual(['id', 'team'])
    expect((await run(['keys', 'create', 'a', '--project', 'team'], environment)).code).toBe(0)
    expect(lines(await run(['keys', 'list', '--project', 'team'], environment))).toHaveLength(1)
    const reset = await run(['admin', 'reset-key'], environment)
    expect(reset).toMatchObject({ code: 1, stderr: expect.stringContaining('HEADGATE_ADMIN_KEY') })
  } finally {
    await home.drop()
  }
}, 120_000)
