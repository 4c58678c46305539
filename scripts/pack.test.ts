import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changedTarballs, packPackages } from './pack.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-pack-'))
const clean = join(folder, 'clean')
let tarballs: string[]
let child: ChildProcess | undefined

beforeAll(() => {
  tarballs = packPackages(root, join(folder, 'one'))
}, 180_000)

/** What still runs from `folder`: its command line names it (the server and its PostgreSQL, also once they lost their parent). */
const leftBehind = (): string[] =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder))

/** Asks the whole process group to end: npx keeps a signal to itself. Resolves when nothing of it is left. */
const end = async (signal: NodeJS.Signals): Promise<void> => {
  if (child?.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault
  }
  const latest = performance.now() + 60_000
  while (leftBehind().length > 0 && performance.now() < latest) await new Promise((resolve) => setTimeout(resolve, 100))
}

afterAll(async () => {
  if (leftBehind().length > 0) await end('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}, 90_000)

test('two builds of the same sources are the same bytes, and a changed byte is noticed', () => {
  expect(tarballs).toEqual(['headgate-contract-0.1.0.tgz', 'headgate-qa-0.1.0.tgz', 'headgate-server-0.1.0.tgz'])
  packPackages(root, join(folder, 'two'))
  const sums = (name: string) => readFileSync(join(folder, name, 'SHA256SUMS'), 'utf8')
  expect(sums('two')).toBe(sums('one'))
  expect(changedTarballs(join(folder, 'two'))).toEqual([])
  appendFileSync(join(folder, 'two', tarballs[0] as string), '\0')
  expect(changedTarballs(join(folder, 'two'))).toEqual([tarballs[0]])
}, 180_000)

test.each(['contract', 'server', 'qa'])('%s is packaged without a fault', async (name) => {
  const { messages } = await publint({ pkgDir: join(folder, 'one/packages', name), strict: true })
  expect(messages.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([])
})

test('what is packed holds JavaScript, no tests and no sources', () => {
  for (const name of tarballs) {
    const files = execFileSync('tar', ['-tzf', join(folder, 'one', name)], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
    expect(files).toEqual(expect.arrayContaining(['package/LICENSE', 'package/THIRD-PARTY-LICENSES.md']))
    expect(files.filter((file) => /\.test\.|\/test\/|__fixtures__|(?<!\.d)\.ts$/.test(file))).toEqual([])
    if (name.includes('server')) {
      expect(files).toContain('package/migrations/0001-house.sql')
      expect(files.some((file) => file.startsWith('package/assets/'))).toBe(true)
    }
  }
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

test('installed from the tarballs into an empty folder, npx headgate serves a call', async () => {
  mkdirSync(clean)
  writeFileSync(join(clean, 'package.json'), '{"private": true, "type": "module"}\n')
  const paths = tarballs.map((name) => join(folder, 'one', name))
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...paths], {
    cwd: clean,
    stdio: 'pipe',
  })
  const port = await freePort()
  let output = ''
  child = spawn('npx', ['--no-install', 'headgate', 'serve', '--port', String(port)], {
    cwd: clean,
    env: { PATH: process.env['PATH'], HOME: clean, HEADGATE_OLLAMA_AUTODETECT: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
  const url = `http://127.0.0.1:${port}`
  const latest = performance.now() + 120_000
  for (;;) {
    if (/API key\s+hg_sk_/.test(output)) break
    if (child.exitCode !== null || performance.now() > latest) throw new Error(`it did not start: ${output}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const key = /API key\s+(hg_sk_\w+)/.exec(output)?.[1] ?? ''
  const ask = (body: object) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const messages = [{ role: 'user', content: 'Hello' }]
  const answer = (await (await ask({ model: 'demo', messages })).json()) as { object: string }
  expect(answer.object).toBe('chat.completion')
  expect(await (await ask({ model: 'demo', messages, stream: true })).text()).toContain('data: [DONE]')
  // Beyond 1 MiB a worker reads the body: its file was found.
  const large = [{ role: 'user', content: 'a '.repeat(700_000) }]
  expect((await ask({ model: 'demo', messages: large })).status).toBe(200)
  expect((await fetch(`${url}/openapi.json`)).status).toBe(200)
  const listed = execFileSync('npx', ['--no-install', 'headgate', 'keys', 'list', '--json'], {
    cwd: clean,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: clean },
  })
  expect(JSON.parse(listed)).toMatchObject({ data: [{ name: 'First key' }] })
  writeFileSync(
    join(clean, 'use.mjs'),
    "import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'\nconsole.log(Object.keys(errorCatalogue).length)\n",
  )
  expect(Number(execFileSync(process.execPath, ['use.mjs'], { cwd: clean, encoding: 'utf8' }))).toBeGreaterThan(40)
  expect(leftBehind()).not.toEqual([])
  await end('SIGTERM')
  expect(leftBehind()).toEqual([])
}, 300_000)
