import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mintKey, mintPublicId } from '../packages/server/src/features/identity/key-secret.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
let repository: string
const git = (...words: string[]) => execFileSync('git', words, { cwd: repository, stdio: 'pipe' }).toString()
const write = (name: string, text: string) => writeFileSync(join(repository, name), text)
const check = () => {
  const { status, stderr } = spawnSync(process.execPath, [join(home, 'scripts/check-staged.ts')], { cwd: repository })
  return { status, said: stderr.toString() }
}

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'headgate-hook-'))
  git('init', '-q')
  for (const name of ['.secretlintrc.json', '.secretlintignore', 'biome.json', '.oxlintrc.json'])
    copyFileSync(join(home, name), join(repository, name))
  git('add', '-A')
})
afterEach(() => rmSync(repository, { recursive: true, force: true }))

it('lets sound files pass, and looks at what is staged rather than at the working tree', () => {
  write('sound.ts', `export const word = 'hg_sk_${'0aZ'.repeat(16)}'\n`)
  git('add', 'sound.ts')
  write('sound.ts', 'export const   word = "changed later";;\n')
  expect(check()).toEqual({ status: 0, said: '' })
}, 60_000)

it('stops a key before anything quotes it', () => {
  const key = mintKey('secret', mintPublicId())
  write('planted.ts', `export let word =   "${key}"\n`)
  git('add', 'planted.ts')
  write('planted.ts', '')
  const { status, said } = check()
  expect(status).toBe(1)
  for (const name of ['keys:', 'planted.ts: line 1', 'Nothing was committed.']) expect(said).toContain(name)
  expect(said).not.toContain(key)
}, 60_000)

it.each([
  ['format', 'export const word =   1\n'],
  ['lint', 'export const isWord = (word: unknown) => word == null\n'],
])(
  'stops what fails the %s',
  (name, text) => {
    write('planted.ts', text)
    git('add', 'planted.ts')
    const { status, said } = check()
    expect(status).toBe(1)
    expect(said).toContain(`${name}:`)
  },
  60_000,
)
