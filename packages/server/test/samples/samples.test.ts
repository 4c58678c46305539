import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { languagesOf, sampleLanguages, sampleTasks } from '../../../../scripts/samples.ts'
import { type House, adminKey, startHouse } from '../support/house.ts'
import { outlineOf, startRecorder } from './recorder.ts'
import { type Runner, runners, samplesFolder } from './runners.ts'

let house: House
const keys: Record<string, string> = {}

beforeAll(async () => {
  house = await startHouse({
    // One request, then one a second: the second call of a sample is refused, and its next try is not.
    config: { tiers: { tight: { requests: { rate_per_minute: 60, burst: 1 } } } },
    // The demo model alone, as on a first start.
    environment: { HEADGATE_PROVIDERS: '{}', HEADGATE_MODELS: '{}' },
  })
  const budget = { limit_usd: '5', window: 'month' }
  keys['any'] = (await house.makeKey({ budget })).key
  keys['errors'] = (await house.makeKey({ tier: 'tight' })).key
})
afterAll(() => house.stop())

const run = async (runner: Runner, folder: string, url: string) => {
  const { program, args, environment } = runner(folder)
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...environment,
      LC_ALL: 'C.UTF-8',
      HEADGATE_URL: url,
      HEADGATE_API_KEY: keys[folder] ?? keys['any'],
      HEADGATE_ADMIN_KEY: adminKey,
    },
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const input = join(samplesFolder, folder, 'input.txt')
  child.stdin.on('error', () => {})
  child.stdin.end(existsSync(input) ? readFileSync(input) : '')
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { output: output.trim(), errors, code: await ended }
}

/** What a sample must print: `<…>` stands for any text within a line. */
const expectation = (folder: string): RegExp => {
  const expected = readFileSync(join(samplesFolder, folder, 'expected.txt'), 'utf8').trim()
  const parts = expected.split(/<[^>]+>/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^\\n]+')}$`)
}

const executed = sampleLanguages.filter(({ checked }) => checked === 'executed')

describe.each(executed)('samples in $name', ({ file }) => {
  let runner: Runner
  beforeAll(async () => {
    runner = await (runners[file] as () => Promise<Runner>)()
  }, 300_000)
  const tasks = sampleTasks.filter((task) => languagesOf(task).some((language) => language.file === file))

  it.each(tasks)(
    '$folder prints what it should and asks as all languages do',
    async ({ folder }) => {
      const recorder = await startRecorder(house.url)
      const { output, errors, code } = await run(runner, folder, recorder.url)
      await recorder.close()
      expect({ code, output, errors }).toMatchObject({ code: 0 })
      if (file === 'python.py') expect(output).toContain('1 passed')
      else expect(output).toMatch(expectation(folder))
      await expect(outlineOf(recorder.requests)).toMatchFileSnapshot(join(samplesFolder, folder, 'requests.json'))
      if (folder === 'errors') expect(recorder.requests.map(({ status }) => status)).toContain(429)
    },
    60_000,
  )
})
