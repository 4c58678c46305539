import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const home = fileURLToPath(new URL('..', import.meta.url))
let copy: string

/** A copy of the repository as it stands, with the installed packages of this one. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'headgate-feature-'))
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: home }).toString()
  for (const path of files.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    cpSync(join(home, path), join(copy, path))
  }
  mkdirSync(join(copy, 'node_modules/@headgate'), { recursive: true })
  for (const name of readdirSync(join(home, 'node_modules')))
    if (name !== '@headgate') symlinkSync(join(home, 'node_modules', name), join(copy, 'node_modules', name))
  for (const name of readdirSync(join(copy, 'packages')))
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules/@headgate', name))
  execFileSync('git', ['init', '-q'], { cwd: copy })
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

const run = (...words: string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: copy })
  const said = `${stdout.toString()}${stderr.toString()}`
  expect(status, said).toBe(0)
  return said
}

it('a new feature passes the check after the steps it names', () => {
  expect(run('scripts/new-feature.ts', 'notes')).toContain('npm run generate')
  run('scripts/generate-reference.ts')
  run('node_modules/@biomejs/biome/bin/biome', 'format', '--write', '.')
  run(
    'scripts/check.ts',
    'types',
    'boundaries',
    'unused',
    'format',
    'architecture',
    'catalogue',
    'reference',
    'data-map',
  )
  // The rest of the house is linted by the check itself.
  run('node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', 'packages/server/src/features/notes')
  run('scripts/test.ts', 'packages/server/src/features/notes')
}, 600_000)

it('a name that is taken, or no plain word, is refused', () => {
  for (const [name, words] of [
    ['audit', 'in the plural'],
    ['Notes', 'in the plural'],
    ['../notes', 'in the plural'],
    ['providers', 'There is a feature providers already.'],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/new-feature.ts', name], { cwd: copy })
    expect([status, stderr.toString()]).toEqual([2, expect.stringContaining(words)])
  }
})
