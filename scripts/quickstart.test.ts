import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** The page promises five minutes; a machine that is busy with other tests may take three times as long. */
const FIVE_MINUTES = 300_000
const PATIENCE = 3 * FIVE_MINUTES
/** A reader looks at each answer; meanwhile rows reach the database. */
const READING_SECONDS = 2

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-quickstart-')))
let server: ChildProcess | undefined
let log = ''

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

/** What a reader pastes, in order: the shell blocks of the page, with another port because 8787 may be taken here. */
const blocksOf = (page: string, port: number): string[] =>
  [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) =>
    block.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`),
  )

beforeAll(() => {
  // As a clone has it: what git tracks or would track, and nothing that was installed or built.
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root })
    .toString()
    .split('\0')
  for (const name of tracked.filter(Boolean)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    cpSync(join(root, name), join(folder, name))
  }
})
afterAll(async () => {
  if (server?.exitCode === null) {
    const ended = new Promise((resolve) => server?.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

it(
  'leads from a clean folder to a stream and its price, as the page is written',
  async () => {
    const begun = performance.now()
    const port = await freePort()
    const [install = '', ...rest] = blocksOf(readFileSync(join(folder, 'docs/tutorials/quickstart.md'), 'utf8'), port)
    const environment = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      npm_config_prefer_offline: 'true',
      HEADGATE_PORT: String(port),
    }
    expect(install).toBe('npm ci\nnpm start\n')
    server = spawn('bash', ['-c', `npm ci && exec npm start`], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const hear = (chunk: Buffer) => {
      log += chunk.toString()
    }
    server.stdout?.on('data', hear)
    server.stderr?.on('data', hear)
    let ended = ''
    server.once('exit', (status) => {
      ended = `The start ended with ${status}`
    })
    await expect
      .poll(() => ended || log, { timeout: PATIENCE, interval: 500 })
      .toMatch(/API key +hg_sk_|^The start ended/)
    expect(ended, log).toBe('')
    const ready = performance.now()

    // One shell for all, as the reader's is; a mark between the blocks.
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        'bash',
        ['-euo', 'pipefail', '-c', rest.join(`\necho "----"\nsleep ${READING_SECONDS}\n`)],
        { cwd: folder, env: environment, timeout: 120_000 },
        (fault, out, complaint) => (fault ? reject(new Error(`${fault.message}\n${out}\n${complaint}`)) : resolve(out)),
      )
    })
    const [key = '', answer = '', stream = '', usage = '', mistake = ''] = output.split('----\n')
    expect(key.trim()).toBe('hg_sk_…')
    expect(JSON.parse(answer).choices[0].message.content).toContain('simulated')
    expect(stream.trim().split('\n\n').length).toBeGreaterThan(2)
    expect(stream.trim()).toMatch(/data: \[DONE\]$/)
    const rows = JSON.parse(usage).data as { model: string; outcome: string; cost_usd: string }[]
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).toMatchObject({ outcome: 'complete' })
    const { error } = JSON.parse(mistake) as { error: { code: string; doc_url: string } }
    expect(error.code).toBe('model_not_found')
    const page = await fetch(error.doc_url, { headers: { accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('model_not_found')])
    const documentation = await fetch(`http://127.0.0.1:${port}/docs/tutorials/quickstart`, {
      headers: { accept: 'text/html' },
    })
    // Read to its end: an answer that nobody reads would hold up the end of the server.
    expect([documentation.status, await documentation.text()]).toEqual([200, expect.stringContaining('Quickstart')])

    const took = (from: number) => ((performance.now() - from) / 1000).toFixed(0)
    const within = performance.now() - begun < FIVE_MINUTES ? 'within' : 'more than'
    console.log(`quickstart: ${took(begun)} s, ${within} five minutes; ${took(ready)} s of them after the start`)
  },
  PATIENCE,
)
