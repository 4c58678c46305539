import { html } from './html.ts'
import type { Page } from './shell.ts'
import { strictPolicy } from './shell.ts'

/** swagger-ui writes style attributes and shows its icons as data; scripts stay this server's files. */
const policy = `${strictPolicy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace("img-src 'self'", "img-src 'self' data:")}`

/** The API explorer: swagger-ui, from this server, on this server's own OpenAPI document. */
export const explorerPage = (assetPath: (name: string) => string): Page => ({
  title: 'API explorer',
  place: '/docs/api',
  wide: true,
  policy,
  head: html`<link rel="stylesheet" href="/docs/explorer/swagger-ui.css">
<link rel="stylesheet" href="${assetPath('explorer.css')}">
`,
  main: html`<h1>API explorer</h1>
<p class="lead">Every route with its schemas, from <a href="/openapi.json">openapi.json</a>. To try one, enter your key under “Authorize”: it stays in
this page, goes to this server only, and is gone when you leave. Calls are real, and cost what they cost.</p>
<noscript><p class="said">The explorer needs JavaScript; the <a href="/docs/reference/routes">routes</a> are listed in the reference too.</p></noscript>
<div id="explorer" data-document="/openapi.json"></div>
<script src="/docs/explorer/swagger-ui-bundle.js"></script>
<script src="${assetPath('explorer.js')}"></script>`,
})
