import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type House, startHouse } from '../packages/server/test/support/house.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-rollout-'))
const read = (name: string): string => readFileSync(join(folder, name), 'utf8').trim()

/** Stands for Docker: remembers which image is up; what it runs is the command line itself. A bad image is tried where nobody listens. */
const docker = `#!/bin/sh
echo "$*" >>'${folder}/calls'
case "$*" in
  *' ps --quiet headgate') test ! -s running || echo container ;;
  *' up '*) sed s/HEADGATE_IMAGE=// image.env >running ;;
  inspect*) cat running ;;
  run*) shift 5; image=$1; url=$3; shift 3
    case $image in *bad*) url=http://127.0.0.1:1 ;; esac
    exec '${process.execPath}' '${root}/packages/server/src/cli.ts' smoke "$url" "$@" ;;
esac
`

let house: House
beforeAll(async () => {
  house = await startHouse()
  writeFileSync(join(folder, 'smoke.key'), (await house.makeKey()).key)
  writeFileSync(join(folder, 'docker'), docker)
  chmodSync(join(folder, 'docker'), 0o755)
})
afterAll(async () => {
  await house.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  for (const name of ['running', '.env', 'calls', 'image.former']) writeFileSync(join(folder, name), '')
})

const rollOut = (image: string) =>
  new Promise<{ code: number; said: string }>((resolve) => {
    execFile(
      'sh',
      [join(root, 'deploy/rollout/rollout.sh'), image],
      { cwd: folder, env: { PATH: `${folder}:${process.env['PATH']}`, SMOKE_URL: house.url } },
      (fault, out, complaint) => resolve({ code: fault ? Number(fault.code) : 0, said: out + complaint }),
    )
  })

it('puts a sound image in the place of the former, and back when told', async () => {
  expect(await rollOut('headgate:1')).toMatchObject({ code: 0, said: expect.stringContaining('headgate:1 serves') })
  expect(await rollOut('headgate:2')).toMatchObject({ code: 0 })
  expect([read('running'), read('image.former')]).toEqual(['headgate:2', 'headgate:1'])
  expect(await rollOut('--back')).toMatchObject({ code: 0 })
  expect([read('running'), read('image.env')]).toEqual(['headgate:1', 'HEADGATE_IMAGE=headgate:1'])
  expect(read('calls')).not.toContain(read('smoke.key'))
}, 60_000)

it('goes back to the former where the new one fails the smoke test', async () => {
  await rollOut('headgate:1')
  const { code, said } = await rollOut('headgate:bad')
  expect(code).toBe(1)
  expect(said).toContain('headgate:bad does not pass: going back to headgate:1')
  expect([read('running'), read('image.env')]).toEqual(['headgate:1', 'HEADGATE_IMAGE=headgate:1'])
}, 60_000)

it('says so where nothing passes', async () => {
  expect(await rollOut('headgate:bad')).toMatchObject({
    code: 2,
    said: expect.stringContaining('nothing to go back to'),
  })
}, 60_000)
