import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { languagesOf, sampleLanguages, sampleTasks } from '../../../../scripts/samples.ts'
import { outlineOf } from './recorder.ts'
import { strangeOrigin } from './pages.ts'
import type { Runner } from './runner.ts'
import { runnerOf, samplesFolder } from './runners.ts'
import { type SampleHouse, besides, expectationOf, startSampleHouse, trySample } from './try-sample.ts'

let house: SampleHouse
beforeAll(async () => {
  house = await startSampleHouse()
})
afterAll(() => house.stop())

const executed = sampleLanguages.filter(({ checked }) => checked.startsWith('executed'))

describe.each(executed)('samples in $name', ({ file }) => {
  let runner: Runner | null
  beforeAll(async () => {
    runner = await runnerOf(file)
  }, 300_000)
  afterAll(() => runner?.stop())
  const tasks = sampleTasks.filter((task) => languagesOf(task).some((language) => language.file === file))

  it.for(tasks)(
    '$folder prints what it should and asks as all languages do',
    { timeout: 60_000 },
    async ({ folder }, { skip }) => {
      if (!runner) return skip(`nothing here runs ${file}`)
      const path = join(samplesFolder, folder, file)
      const tried = await trySample(runner, path, house)
      expect(tried.code, tried.errors + tried.output).toBe(0)
      expect(tried.output).toMatch(expectationOf(path))
      await expect(outlineOf(tried.requests)).toMatchFileSnapshot(besides(path, 'requests.json'))
      if (folder === 'errors') expect(tried.requests.map(({ status }) => status)).toContain(429)
      // A browser asks before it sends a key to another origin.
      if (file === 'browser.js') expect(tried.requests[0]).toMatchObject({ method: 'OPTIONS', status: 204 })
    },
  )

  // Within the repository, so that the copy finds the official client.
  const cache = fileURLToPath(new URL('../../../../.cache', import.meta.url))
  it.for([
    ['a field of the answer', 'chat', 'choices'],
    ['a field of the request', 'tools', 'parallel_tool_calls'],
  ] as const)('renaming %s is noticed', { timeout: 60_000 }, async ([, folder, field], { skip }) => {
    if (!runner) return skip(`nothing here runs ${file}`)
    await mkdir(cache, { recursive: true })
    const copy = await mkdtemp(join(cache, 'planted-'))
    try {
      await cp(samplesFolder, copy, { recursive: true })
      const path = join(copy, folder, file)
      const text = await readFile(path, 'utf8')
      // In any case of letters: what is `choices` on the wire is `Choices` in Go.
      const renamed = text.replaceAll(new RegExp(field, 'gi'), (name) => `${name}_renamed`)
      expect(renamed).not.toBe(text)
      await writeFile(path, renamed)
      const { code, output, requests } = await trySample(runner, path, house)
      const asked = await readFile(besides(path, 'requests.json'), 'utf8')
      expect(code === 0 && expectationOf(path).test(output) && outlineOf(requests) === asked).toBe(false)
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })

  it.for(file === 'browser.js' ? [strangeOrigin] : [])(
    'a page of %s, which the key does not allow, gets no answer',
    async (origin, { skip }) => {
      if (!runner) return skip('nothing here runs a browser')
      const tried = await trySample(runner, join(samplesFolder, 'chat/browser.js'), house, origin)
      expect(tried).toMatchObject({ code: 1, output: '', errors: expect.stringContaining('Failed to fetch') })
    },
  )
})
