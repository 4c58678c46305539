import { createHash } from 'node:crypto'
import type { Reply } from '../../kernel/route.ts'
import { type Html, html } from './html.ts'

/** Nothing from elsewhere, nothing inline, no frame around us. */
export const strictPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** Headers of every page; `policy` is its Content-Security-Policy. */
export const pageHeaders = (policy: string): Record<string, string> => ({
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
})

/** The mark of Headgate, in the colour of the text around it. */
const mark = html`<svg viewBox="0 0 32 32" fill="currentColor" aria-hidden="true"><path d="M4 4.5A1.5 1.5 0 0 1 5.5 3h21A1.5 1.5 0 0 1 28 4.5V29h-4V7H8v22H4z"/><path d="M10.5 9h11v8.5h-11z" opacity=".5"/><path d="M9.5 23.5c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0M9.5 28c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg>`

const places = [
  ['/docs/', 'Documentation'],
  ['/docs/api', 'API'],
  ['/docs/errors', 'Errors'],
] as const

/** A page of the server's own. */
export interface Page {
  readonly title: string
  readonly main: Html
  /** Which entry of the bar is this page's. */
  readonly place?: string
  readonly status?: number
  readonly policy?: string
  /** Whether the page takes the whole width. */
  readonly wide?: boolean
  /** More for the head. */
  readonly head?: Html
}

/** `"` and a digest of the text `"`, for conditional requests. */
export const etagOf = (text: string | Buffer): string =>
  `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`

/** Makes the function that turns a page into an answer. `assetPath` gives the address of an asset. */
export const createShell =
  (assetPath: (name: string) => string) =>
  ({ title, main, place, status = 200, policy = strictPolicy, wide = false, head }: Page): Reply => {
    const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Headgate</title>
<link rel="icon" href="${assetPath('mark.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${assetPath('tokens.css')}">
<link rel="stylesheet" href="${assetPath('pages.css')}">
<script src="${assetPath('pages.js')}"></script>
${head}</head>
<body${wide && html` class="wide-page"`}>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div>
<a class="brand" href="/">${mark}Headgate</a>
<nav aria-label="Main"><ul>${places.map(
      ([path, name]) => html`<li><a href="${path}"${path === place && html` aria-current="page"`}>${name}</a></li>`,
    )}</ul></nav>
</div></header>
<main id="main">
${main}
</main>
<footer class="foot"><div>Served by Headgate itself. Nothing on this page comes from elsewhere.</div></footer>
</body>
</html>
`
    return {
      kind: 'bytes',
      status,
      contentType: 'text/html; charset=utf-8',
      bytes: markup,
      headers: pageHeaders(policy),
    }
  }

/** Turns a page into an answer. */
export type Shell = ReturnType<typeof createShell>
