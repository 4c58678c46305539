import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const curlLine = /^\s+curl (\S+) -H "Authorization: Bearer ([^"]+)" -H "Content-Type: application\/json" -d '(.*)'$/m

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-start-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Started {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exit: Promise<number | null>
}

const begin = (): Started => {
  const child = spawn(process.execPath, [cli, 'serve', '--port', '0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, output: () => text, exit: new Promise((resolve) => child.once('exit', resolve)) }
}

const ready = async (started: Started): Promise<string> => {
  await expect.poll(started.output, { timeout: 30_000 }).toContain('"message":"Headgate is ready"')
  return `http://127.0.0.1:${/"port":(\d+)/.exec(started.output())?.[1]}`
}

/** Processes whose command line or working folder lies in the data folder. */
const leftOver = (): string =>
  execFileSync('ps', ['-eo', 'pid,args'])
    .toString()
    .split('\n')
    .filter((line) => line.includes(folder))
    .join('\n')

it('starts with one command, answers the printed call, keeps its data, and leaves nothing behind', async () => {
  const first = begin()
  await ready(first)
  await expect.poll(first.output).toMatch(curlLine)
  const [, url = '', key = '', body = ''] = curlLine.exec(first.output()) ?? []
  const call = (origin: string) =>
    fetch(new URL('/v1/chat/completions', origin), {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    })
  const answer = (await (await call(url)).json()) as { choices: { message: { content: string } }[] }
  expect(answer.choices[0]?.message.content).toContain('simulated')

  const second = begin()
  expect(await second.exit).not.toBe(0)
  expect(second.output()).toContain(`process ${first.child.pid}`)

  // As from a terminal under npm: one Ctrl-C arrives twice.
  first.child.kill('SIGINT')
  first.child.kill('SIGINT')
  expect(await first.exit).toBe(0)
  expect(leftOver()).toBe('')

  const third = begin()
  const origin = await ready(third)
  expect((await call(origin)).status).toBe(200)
  const usage = await fetch(`${origin}/v1/usage`, { headers: { authorization: `Bearer ${key}` } })
  expect(((await usage.json()) as { data: unknown[] }).data.length).toBeGreaterThanOrEqual(1)
  third.child.kill('SIGTERM')
  expect(await third.exit).toBe(0)
  expect(leftOver()).toBe('')
}, 90_000)
