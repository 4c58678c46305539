import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey } from '../support/house.ts'
import { sampleOrigin } from './pages.ts'
import { type SampleHouse, startSampleHouse } from './try-sample.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** What stands in a page’s fences of one language. */
const fences = (page: string, language: string): string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text as string)

/** Calls of Headgate, each on one line. */
const curlsOf = (page: string): string[] =>
  fences(page, 'sh')
    .flatMap((text) => text.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .filter((line) => /^curl .*(\$HEADGATE\/|127\.0\.0\.1:8787)/.test(line))

/** The blocks of a page as one program; what handles a fault shows names of the reader’s own. */
const programOf = (page: string): string =>
  fences(page, 'ts')
    .filter((text) => !text.startsWith('try {'))
    .join('\n')

const pages = ['README.md', ...globSync('docs/guides/*.md', { cwd: root }).sort()]
const withCurl = pages.flatMap((page) => curlsOf(page).map((line) => ({ page, line })))
const withProgram = pages.filter((page) => /from '(openai|@anthropic-ai\/sdk|tus-js-client)'/.test(programOf(page)))

/** What a guide calls `photo.jpg`: a dot. */
const photo = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'navy' } })
  .jpeg()
  .toBuffer()

let house: SampleHouse
let folder: string
let requestId: string

const environment = () => ({
  ...process.env,
  // Options of every curl: an answer that is an error ends it with an error.
  CURL_HOME: folder,
  HEADGATE: house.url,
  HEADGATE_API_KEY: house.keyFor('guide'),
  PUBLISHABLE_KEY: house.keyFor('guide.browser.js'),
  HEADGATE_ADMIN_KEY: adminKey,
})

beforeAll(async () => {
  house = await startSampleHouse()
  // Within the repository, so that a program finds the official client.
  await mkdir(join(root, '.cache'), { recursive: true })
  folder = await mkdtemp(join(root, '.cache/guides-'))
  await writeFile(join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')
  await writeFile(join(folder, 'photo.jpg'), photo)
  const answer = await fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${house.keyFor('guide')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
  })
  requestId = answer.headers.get('x-request-id') ?? ''
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const placed = (text: string): string =>
  text
    .replaceAll('http://127.0.0.1:8787', house.url)
    .replaceAll('https://app.example.org', sampleOrigin)
    .replaceAll('req_…', requestId)
    .replaceAll('"…"', '"placeholder"')
    .replaceAll('openai/gpt-4o-mini', 'demo')

describe('the calls of the guides', () => {
  it('are found', () => {
    expect(withCurl.map(({ page }) => page)).toEqual(expect.arrayContaining(['README.md', 'docs/guides/chat.md']))
    expect(withProgram).toEqual(expect.arrayContaining(['README.md', 'docs/guides/chat.md']))
  })

  it.each(withCurl)('$page: $line', async ({ line }) => {
    const { stdout } = await run('sh', ['-c', placed(line)], { env: environment(), cwd: folder })
    expect(stdout).not.toMatch(/"error":\s*\{/)
  })

  it.each(withProgram)('%s: its program', async (page) => {
    const file = join(folder, `${page.replaceAll(/\W/g, '-')}.ts`)
    await writeFile(file, placed(programOf(page)))
    const { stdout } = await run(process.execPath, [file], { env: environment() })
    expect(stdout).toMatch(/simulated|^asset_/)
  })
})
