import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectPage, listenForComplaints } from '../packages/server/test/browser/support/inspect.ts'
import { startChromium } from '../packages/server/test/support/chromium.ts'
import { startHouse } from '../packages/server/test/support/house.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const house = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-docs-')))
const site = join(house, 'packages/server/site')

const build = (...words: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['scripts/build-docs.ts', ...words],
      { cwd: house },
      (_fault, out, complaint) => resolve({ code: child.exitCode ?? -1, output: out + complaint }),
    )
  })

const files = (ending: string): string[] =>
  readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending))
const text = (name: string): string => readFileSync(join(site, name), 'utf8')

beforeAll(() => {
  for (const name of [
    'docs',
    'scripts',
    'package.json',
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'STYLE.md',
    'SECURITY.md',
  ])
    cpSync(join(root, name), join(house, name), { recursive: true })
  cpSync(join(root, 'packages/server/assets'), join(house, 'packages/server/assets'), { recursive: true })
})
afterAll(() => rmSync(house, { recursive: true, force: true }))

describe('the documentation', () => {
  it('is told how to get where its tools are missing, and the start goes on', async () => {
    mkdirSync(join(house, 'node_modules'))
    const { code, output } = await build('--if-stale')
    expect(code).toBe(0)
    expect(output).toContain('npm ci without --omit=dev')
    rmSync(join(house, 'node_modules'), { recursive: true })
  })

  it('is built once, and again only when its sources change', async () => {
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'))
    const first = await build('--if-stale')
    expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/\d+ pages in packages\/server\/site/) })
    const built = statSync(join(site, 'index.html')).mtimeMs
    expect(await build('--if-stale')).toEqual({ code: 0, output: '' })
    expect(statSync(join(site, 'index.html')).mtimeMs).toBe(built)

    // A change is seen; that it cannot be built keeps the start from nothing.
    const page = join(house, 'docs/guides/faq.md')
    const before = readFileSync(page, 'utf8')
    writeFileSync(page, `${before}\n![gone](../pictures/no-such-picture.svg)\n`)
    const failed = await build('--if-stale')
    expect(failed).toMatchObject({ code: 0, output: expect.stringContaining('Headgate starts without') })
    expect((await build()).code).not.toBe(0)
    writeFileSync(page, before)
  }, 180_000)

  it('asks nobody else for anything', () => {
    const loads =
      /<(?:script|link|img|iframe|source)\b[^>]*\s(?:src|href)="(?:https?:)?\/\/[^"]*"|@import|url\((?:https?:)?\/\//g
    for (const name of [...files('.html'), ...files('.css')])
      expect([name, text(name).match(loads)]).toEqual([name, null])
  })

  it('links only to pages that are there', () => {
    const served = ['/', '/docs/api', '/assets/mark.svg']
    let followed = 0
    for (const name of files('.html')) {
      for (const [, target = ''] of text(name).matchAll(/\shref="(\/[^"#?]*)/g)) {
        if (served.includes(target) || /^\/docs\/errors(\/|$)/.test(target)) continue
        const path = target.replace(/^\/docs\//, '')
        const there = [path, `${path}.html`, `${path}index.html`].some((one) => {
          const file = join(site, one)
          return existsSync(file) && statSync(file).isFile()
        })
        expect(there, `${name} links to ${target}`).toBe(true)
        followed += 1
      }
    }
    expect(followed).toBeGreaterThan(200)
  })

  it('has a text twin of every page, listed for programs', () => {
    const pages = files('.html').filter((name) => name !== '404.html')
    const listed = text('llms.txt')
    const whole = text('llms-full.txt')
    for (const page of pages) {
      const twin = page.replace(/\.html$/, '.md')
      expect(text(twin)).toMatch(/^(---|#|<!--)/)
      expect(whole).toContain(`<!-- /docs/${twin} -->`)
      if (page !== 'index.html') expect(listed).toContain(`(/docs/${twin})`)
    }
    expect(text('guides/operations.md')).toContain('(/docs/guides/configuration.md#profiles)')
    expect(text('reference/errors.md')).toContain('(/docs/errors/budget-exceeded.md)')
  })

  it('can be searched, and brings the explorer along', () => {
    expect(files('.js').some((name) => name.includes('localSearchIndex'))).toBe(true)
    for (const name of ['explorer/swagger-ui-bundle.js', 'explorer/swagger-ui.css', 'licences/@vue-shared.txt'])
      expect(statSync(join(site, name)).size).toBeGreaterThan(1_000)
  })

  it('is open to everyone and fits a telephone', async () => {
    const [server, browser] = await Promise.all([startHouse({ overrides: { siteFolder: site } }), startChromium()])
    try {
      const page = await browser.newPage()
      const complaints = listenForComplaints(page)
      // One of each kind: prose, calls, a wide table, tabs, pictures.
      for (const name of ['guides/chat', 'reference/configuration', 'samples/chat', 'architecture']) {
        await page.goto(`${server.url}/docs/${name}`)
        await page.locator('.VPDoc h1').waitFor()
        expect([name, await inspectPage(page)]).toEqual([name, []])
      }
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByRole('searchbox').fill('budget')
      await page.locator('.VPLocalSearchBox .result').first().waitFor()
      expect(complaints).toEqual([])
    } finally {
      await browser.close()
      await server.stop()
    }
  }, 180_000)
})
