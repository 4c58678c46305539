import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type House, adminKey, startHouse } from '../support/house.ts'
import { type Recorded, startRecorder } from './recorder.ts'
import { type Runner, sampleOrigin } from './runners.ts'

/** A Headgate as on a first start, with keys for samples. */
export interface SampleHouse {
  readonly url: string
  /** The key for a sample: publishable for a browser, and soon used up where a refusal is wanted. */
  readonly keyFor: (file: string) => string
  readonly stop: House['stop']
}

/** What a sample did: how it ended, what it printed, what it asked. */
export interface Tried {
  readonly code: number | null
  readonly output: string
  readonly errors: string
  readonly requests: readonly Recorded[]
}

/** Boots a house that has the demo model alone. */
export const startSampleHouse = async (): Promise<SampleHouse> => {
  const house = await startHouse({
    // One request, then one a second: the second call of a sample is refused, and its next try is not.
    config: { tiers: { tight: { requests: { rate_per_minute: 60, burst: 1 } } } },
    environment: { HEADGATE_PROVIDERS: '{}', HEADGATE_MODELS: '{}' },
  })
  const budget = { limit_usd: '5', window: 'month' }
  const page = { kind: 'publishable', origins: [sampleOrigin] }
  const [forServer, forPage, tight, tightForPage] = await Promise.all(
    [{ budget }, { budget, ...page }, { tier: 'tight' }, { tier: 'tight', ...page }].map(
      async (fields) => (await house.makeKey(fields)).key,
    ),
  )
  return {
    url: house.url,
    keyFor: (file) => {
      const isPage = file.endsWith('browser.js')
      const key = file.includes('/errors/') ? (isPage ? tightForPage : tight) : isPage ? forPage : forServer
      return key as string
    },
    stop: house.stop,
  }
}

/** Runs a sample against the house as a reader would: URL and key from the environment, its input typed. */
export const trySample = async (runner: Runner, file: string, house: SampleHouse): Promise<Tried> => {
  const recorder = await startRecorder(house.url)
  const { program, args, environment } = runner(file)
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LC_ALL: 'C.UTF-8',
      HEADGATE_URL: recorder.url,
      HEADGATE_API_KEY: house.keyFor(file),
      HEADGATE_ADMIN_KEY: adminKey,
      ...environment,
    },
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const input = join(dirname(file), 'input.txt')
  child.stdin.on('error', () => {})
  child.stdin.end(existsSync(input) ? readFileSync(input) : '')
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  await recorder.close()
  return { code, output: output.trim(), errors, requests: recorder.requests }
}

/** The file beside a sample that says what it must print or ask: of its language alone, else of all. */
export const besides = (file: string, name: 'expected.txt' | 'requests.json'): string => {
  const language = basename(file, extname(file))
  const own = join(dirname(file), `expected.${language}.txt`)
  return join(dirname(file), existsSync(own) ? name.replace('.', `.${language}.`) : name)
}

/** What a sample must print: `<…>` stands for any text within a line. */
export const expectationOf = (file: string): RegExp => {
  // What is printed by pytest is not the sample’s; it compares with the same expectation.
  if (file.endsWith('.py')) return /1 passed/
  const expected = readFileSync(besides(file, 'expected.txt'), 'utf8').trim()
  const parts = expected.split(/<[^>]+>/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^\\n]+')}$`)
}
