import { codeBlock, html } from './html.ts'
import type { Page } from './shell.ts'

/** Where things are, for programs; the same places as the page's. */
export const homeDocument = (address: string) => ({
  name: 'Headgate',
  description: 'A self-hosted backend for AI apps.',
  api: `${address}/v1`,
  openapi: `${address}/openapi.json`,
  documentation: `${address}/docs/`,
  errors: `${address}/errors.json`,
  health: { live: `${address}/livez`, ready: `${address}/readyz` },
})

const call = (address: string, more: string) => `curl ${address}/v1/chat/completions \\
  -H "Authorization: Bearer $HEADGATE_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{${more}"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'`

const doors = [
  ['/docs/', 'Documentation', 'Quickstart, guides, reference, and why things are as they are.'],
  ['/docs/api', 'API explorer', 'Every route with its schema; try it with your own key.'],
  ['/docs/errors', 'Errors', 'Each code: what it means, why it happens, what to do.'],
  ['/openapi.json', 'OpenAPI document', 'For generators and tools.'],
  ['/readyz', 'Health', 'Whether this process wants traffic, and the state of its parts.'],
] as const

/** The first page: what this is and the first call, with the address by which the reader came. */
export const homePage = (address: string): Page => ({
  title: 'A backend for AI apps',
  main: html`<h1>Your own backend for AI apps</h1>
<p class="lead">This is a running Headgate: an OpenAI-compatible gateway in front of your model providers. It knows who calls, what they may
spend and what every call cost.</p>
<h2 id="first-call">First call</h2>
<ol class="steps">
<li><p><b>Take a key.</b> A first start prints one. To make another, on the server’s machine:</p>
${codeBlock('npm run --silent headgate -- keys create "my app"')}
<p>Put it where the calls below find it:</p>
${codeBlock('export HEADGATE_API_KEY=hg_sk_…')}</li>
<li><p><b>Call.</b> <code>demo</code> is built in, simulated and free; a production server has your providers’ models instead.</p>
${codeBlock(call(address, ''))}</li>
<li><p><b>Stream.</b></p>
${codeBlock(call(address, '"stream": true, ').replace('curl ', 'curl -N '))}</li>
<li><p><b>See what it cost.</b></p>
${codeBlock(`curl ${address}/v1/usage -H "Authorization: Bearer $HEADGATE_API_KEY"`)}</li>
</ol>
<p>Any OpenAI client works: set its base URL to <code>${address}/v1</code> and its key to yours.</p>
<h2 id="places">Where to go</h2>
<ul class="doors">${doors.map(([path, name, about]) => html`<li><a href="${path}"><b>${name}</b><span>${about}</span></a></li>`)}</ul>`,
})
