import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { type House, adminKey, startHouse } from '../support/house.ts'
import { type Recorded, startRecorder } from './recorder.ts'
import { sampleOrigin } from './pages.ts'
import type { Ended, Runner } from './runner.ts'

/** A Headgate as on a first start, with keys for samples. */
export interface SampleHouse {
  readonly url: string
  /** The key for a sample: publishable for a browser, and soon used up where a refusal is wanted. */
  readonly keyFor: (file: string) => string
  readonly stop: House['stop']
}

/** What a sample did: how it ended, what it printed, what it asked. */
export interface Tried extends Ended {
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

/** Runs a sample against the house as a reader would: URL and key from the environment, its input typed; a page is of `origin`. */
export const trySample = async (
  runner: Runner,
  file: string,
  house: SampleHouse,
  origin: string = sampleOrigin,
): Promise<Tried> => {
  const recorder = await startRecorder(house.url)
  const environment = {
    HEADGATE_URL: recorder.url,
    HEADGATE_API_KEY: house.keyFor(file),
    HEADGATE_ADMIN_KEY: adminKey,
  }
  const ended = await runner.run(file, { environment, origin })
  await recorder.close()
  return { ...ended, output: ended.output.trim(), requests: recorder.requests }
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
