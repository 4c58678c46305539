import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { type House, startHouse } from '../support/house.ts'
import { inspectPage, listenForComplaints } from './support/inspect.ts'

const PATIENCE = 120_000

let folder: string
let house: House
let browser: Browser
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-browser-'))
  // Of the documentation, only what the explorer needs.
  const explorer = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/swagger-ui.css'))
  await mkdir(join(folder, 'explorer'))
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css'])
    await cp(join(explorer, name), join(folder, 'explorer', name))
  house = await startHouse({ overrides: { siteFolder: folder } })
  browser = await startChromium()
}, PATIENCE)
afterAll(async () => {
  await browser.close()
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const withPage = async (path: string, act: (page: Page, complaints: string[]) => Promise<void>): Promise<void> => {
  const page = await browser.newPage()
  page.setDefaultTimeout(PATIENCE / 2)
  try {
    const complaints = listenForComplaints(page)
    await page.goto(house.url + path)
    await act(page, complaints)
  } finally {
    await page.close()
  }
}

describe('the pages of the server', () => {
  it.each(['/', '/docs/errors', '/docs/errors/budget-exceeded', '/docs/', '/docs/nothing-here'])(
    '%s is open to everyone and fits a telephone',
    (path) =>
      withPage(path, async (page, complaints) => {
        expect(await inspectPage(page)).toEqual([])
        expect(complaints.filter((text) => !text.includes('status of 404'))).toEqual([])
      }),
    PATIENCE,
  )

  it(
    'can be walked by keyboard, and show where one is',
    () =>
      withPage('/', async (page) => {
        const outline = `(() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
          return document.activeElement.textContent.trim() + ' ' + outlineStyle + ' ' + parseFloat(outlineWidth) })()`
        await page.keyboard.press('Tab')
        expect(await page.evaluate(outline)).toBe('Skip to the content solid 2')
        await page.keyboard.press('Enter')
        await page.keyboard.press('Tab')
        expect(await page.evaluate(outline)).toMatch(/^npm run .* solid 2$/)
      }),
    PATIENCE,
  )
})

it(
  'the explorer makes a call with a key and shows its answer, in every state open to everyone',
  () =>
    withPage('/docs/api', async (page, complaints) => {
      const { key } = await house.makeKey()
      await page.locator('.opblock').first().waitFor()
      expect(await inspectPage(page)).toEqual([])

      await page.getByRole('button', { name: 'Authorize' }).first().click()
      const dialog = page.locator('.modal-ux')
      await dialog.waitFor()
      expect(await inspectPage(page)).toEqual([])
      const form = dialog.locator('form', { hasText: 'secretKey' })
      await form.locator('input').fill(key)
      await form.getByRole('button', { name: 'Authorize' }).click()
      await form.getByRole('button', { name: 'Close' }).click()

      const operation = page.locator('.opblock', { hasText: '/v1/chat/completions' }).first()
      await operation.locator('.opblock-summary-control').click()
      await operation.getByRole('button', { name: 'Try it out' }).click()
      await operation.getByRole('button', { name: 'Execute' }).click()
      const answer = operation.locator('.live-responses-table')
      await answer.getByText('chat.completion').first().waitFor()
      expect(await answer.locator('.response-col_status').last().textContent()).toContain('200')
      const parts = ['.opblock-summary', '.opblock-section', '.live-responses-table', '[data-code="400"]']
      expect(await inspectPage(page, ...parts.map((part) => `.is-open ${part}`))).toEqual([])
      expect(complaints).toEqual([])
    }),
  PATIENCE,
)
