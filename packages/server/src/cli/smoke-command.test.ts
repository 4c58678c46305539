import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, startHouse } from '../../test/support/house.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))

let house: House
let folder: string
let key: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-smoke-'))
  house = await startHouse()
  key = (await house.makeKey()).key
  await writeFile(join(folder, 'key'), `${key}\n`)
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const run = (...words: string[]) =>
  new Promise<{ code: number; out: string; errors: string }>((resolve) => {
    execFile(
      process.execPath,
      [cli, 'smoke', ...words],
      { cwd: folder, timeout: 60_000, env: { PATH: process.env['PATH'], HOME: folder } },
      (error, out, errors) => resolve({ code: error ? Number(error.code ?? -1) : 0, out, errors }),
    )
  })

test('a sound server passes every step, by the demo model and by one of a provider', async () => {
  const { code, out } = await run(house.url, '--key-file', 'key', '--json')
  expect([code, out]).toEqual([0, out])
  const steps = ['live', 'ready', 'models', 'call', 'stream'].map((step) => ({ step, ok: true }))
  expect(JSON.parse(out)).toMatchObject({ ok: true, steps })

  const provided = await run(`${house.url}/`, '--key', key, '--model', 'up/gpt-4o-mini')
  expect(provided).toMatchObject({ code: 0, out: expect.stringMatching(/^ok\tstream\t\d+\t\d+ parts$/m) })
  expect(provided.out + provided.errors).not.toContain(key)
})

test('what fails is named with its code and request, and ends with 1', async () => {
  const { code, out } = await run(house.url, '--key', 'hg_sk_wrong')
  expect(code).toBe(1)
  expect(out).toMatch(/^ok\tready\t/m)
  expect(out).toMatch(/^FAULT\tcall\t\d+\tanswered 401 invalid_api_key \(request req_\w+\)$/m)
  const unknown = await run(house.url, '--key-file', 'key', '--model', 'none')
  expect(unknown.out).toMatch(/^FAULT\tmodels\t\d+\tnone is not among the \d+ models of this key$/m)
})

test('a stream that is cut is noticed', async () => {
  const { code, out } = await run(house.url, '--key-file', 'key', '--model', 'up/gpt-4o-mini;cut-at-part=3;cut=close')
  expect(code).toBe(1)
  expect(out).toMatch(/^FAULT\tstream\t\d+\tthe stream was cut after \d+ parts$/m)
})

test('a server that is not there ends with 4, a command line that is wrong with 2', async () => {
  expect(await run('http://127.0.0.1:1', '--key', key)).toMatchObject({
    code: 4,
    out: expect.stringMatching(/^FAULT\tlive/),
  })
  expect(await run('nowhere', '--key', key)).toMatchObject({ code: 2 })
  expect(await run(house.url)).toMatchObject({ code: 1, errors: expect.stringContaining('Give a key') })
})
