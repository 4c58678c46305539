import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startChromium } from '../support/chromium.ts'
import type { Runner } from './runner.ts'

/** Where the page of the browser’s samples is from. */
export const sampleOrigin = 'http://app.example.org'

/** Another site, which no key allows. */
export const strangeOrigin = 'http://other.example.org'

const pageOf = (url = '', key = '') => `<!doctype html><title>A page of somebody else</title>
<script>globalThis.HEADGATE_URL = ${JSON.stringify(url)}; globalThis.HEADGATE_KEY = ${JSON.stringify(key)}</script>
<script type="module">
  import('/sample.js').then(() => ended(''), (fault) => ended(String(fault?.stack ?? fault)))
</script>`

/**
 * Shows pages of other sites that run a sample, one at a time, each in a fresh profile of one Chromium: what it writes to its
 * console is its output, and what it throws its fault. URL and key stand in the page, as they would.
 */
export const startPages = async (): Promise<Runner> => {
  let shown = { page: '', sample: '' }
  const site = createServer((request, response) => {
    const isSample = request.url === '/sample.js'
    response.setHeader('content-type', isSample ? 'text/javascript' : 'text/html')
    response.end(isSample ? shown.sample : shown.page)
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const { port } = site.address() as AddressInfo
  const rules = [sampleOrigin, strangeOrigin].map((origin) => `MAP ${new URL(origin).host} 127.0.0.1:${port}`)
  const browser = await startChromium(`--host-resolver-rules=${rules.join(',')}`)
  return {
    run: async (file, { environment, origin = sampleOrigin }) => {
      shown = {
        page: pageOf(environment['HEADGATE_URL'], environment['HEADGATE_API_KEY']),
        sample: readFileSync(file, 'utf8'),
      }
      const profile = await browser.newContext()
      const view = await profile.newPage()
      let output = ''
      view.on('console', (message) => {
        if (message.type() === 'log') output += `${message.text()}\n`
      })
      const errors = await new Promise<string>(
        (resolve) => void view.exposeFunction('ended', resolve).then(() => view.goto(origin)),
      )
      await profile.close()
      return { code: errors === '' ? 0 : 1, output, errors }
    },
    stop: async () => {
      await browser.close()
      site.closeAllConnections()
      await new Promise((resolve) => site.close(resolve))
    },
  }
}
