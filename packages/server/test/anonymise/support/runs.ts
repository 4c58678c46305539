import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, vi } from 'vitest'
import { runCli } from '../../../src/cli/program.ts'
import presidio from '../../../src/features/anonymise/__fixtures__/presidio.json' with { type: 'json' }

/** Where everything of a test file lies. */
export let folder: string
export let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-anonymise-test-'))
  await writeFile(join(folder, 'aes.key'), presidio.key)
  await writeFile(join(folder, 'people.key'), 'a key of these tests, long enough\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

/** Keys of the policies. */
export const keys = { keys: { aes: 'aes.key', people: 'people.key' } }

/** Runs a command in this process; what it printed. */
export const command = async (...words: string[]) => {
  const printed = { out: '', err: '' }
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((printed.out += String(text))) || true)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((printed.err += String(text))) || true)
  const before = process.exitCode
  const code = await runCli([...words, '--json'])
  process.exitCode = before
  vi.restoreAllMocks()
  const error = code === 0 || printed.err === '' ? undefined : JSON.parse(printed.err).error
  return { code, out: printed.out, error }
}

/** Anonymises a text by a policy; what was written, and its label. */
export const run = async (ending: string, text: string, policy: object | string, ...words: string[]) => {
  const name = join(folder, String(++count))
  await writeFile(`${name}.in.${ending}`, text)
  await writeFile(`${name}.yaml`, typeof policy === 'string' ? policy : JSON.stringify({ version: 1, ...policy }))
  const output = `${name}.out.${ending}`
  const { code, error } = await command(
    'anonymise',
    'run',
    `${name}.in.${ending}`,
    '--policy',
    `${name}.yaml`,
    '--output',
    output,
    ...words,
  )
  const written = await readFile(output, 'utf8').catch(() => null)
  const label = JSON.parse(await readFile(`${output}.label.json`, 'utf8').catch(() => 'null'))
  return { code, error, written, label }
}
