import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startChromium } from '../support/chromium.ts'

/**
 * Shows a page of another site that runs a sample, in Chromium, and prints what it writes to its console. Ends with 1 and the
 * fault where the sample throws. The site is `SAMPLE_ORIGIN`; URL and key stand in the page, as they would.
 */
const [file = ''] = process.argv.slice(2)
const { SAMPLE_ORIGIN: origin = '', HEADGATE_URL: url, HEADGATE_API_KEY: key } = process.env

const page = `<!doctype html><title>A page of somebody else</title>
<script>globalThis.HEADGATE_URL = ${JSON.stringify(url)}; globalThis.HEADGATE_KEY = ${JSON.stringify(key)}</script>
<script type="module">
  import('/sample.js').then(() => ended(''), (fault) => ended(String(fault?.stack ?? fault)))
</script>`
const site = createServer((request, response) => {
  const isSample = request.url === '/sample.js'
  response.setHeader('content-type', isSample ? 'text/javascript' : 'text/html')
  response.end(isSample ? readFileSync(file) : page)
}).listen(0, '127.0.0.1')
await once(site, 'listening')
const { port } = site.address() as AddressInfo
const browser = await startChromium(`--host-resolver-rules=MAP ${new URL(origin).host} 127.0.0.1:${port}`)
const view = await browser.newPage()
view.on('console', (message) => {
  if (message.type() === 'log') process.stdout.write(`${message.text()}\n`)
})
const ended = new Promise<string>((resolve) => void view.exposeFunction('ended', resolve).then(() => view.goto(origin)))
const fault = await ended
if (fault !== '') process.stderr.write(`${fault}\n`)
await browser.close()
site.close()
site.closeAllConnections()
process.exitCode = fault === '' ? 0 : 1
