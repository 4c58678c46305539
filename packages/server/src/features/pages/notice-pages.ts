import { codeBlock, html } from './html.ts'
import type { Page } from './shell.ts'

/** Where the documentation would be, on a server whose documentation is not built. */
export const notBuiltPage = (): Page => ({
  title: 'Documentation',
  place: '/docs/',
  main: html`<h1>The documentation is not built here</h1>
<p class="lead">This server runs from a checkout without it. One command builds it; the running server shows it at once.</p>
${codeBlock('npm ci && npm run docs:build')}
<p>It needs the development dependencies, which <code>npm ci --omit=dev</code> leaves out. <code>npm start</code> builds it by itself where they are
there. Until then the same pages stand as Markdown in the folder <code>docs</code> of the checkout.</p>
<h2 id="places">Here in any case</h2>
<ul class="doors">
<li><a href="/docs/errors"><b>Errors</b><span>Each code: what it means, why it happens, what to do.</span></a></li>
<li><a href="/"><b>First call</b><span>The start of everything, with this server’s address.</span></a></li>
<li><a href="/openapi.json"><b>OpenAPI document</b><span>Every route and schema, for tools.</span></a></li>
</ul>`,
})

/** Where nothing is. */
export const notFoundPage = (): Page => ({
  title: 'No such page',
  status: 404,
  main: html`<h1>There is no such page</h1>
<p class="lead">It may have moved, or the link may have lost a letter.</p>
<ul class="doors">
<li><a href="/docs/"><b>Documentation</b><span>Start at its first page, or search there.</span></a></li>
<li><a href="/docs/errors"><b>Errors</b><span>All codes on one page.</span></a></li>
<li><a href="/"><b>First call</b><span>The home page of this server.</span></a></li>
</ul>`,
})
