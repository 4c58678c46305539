import { createHash } from 'node:crypto'
import type { Reply, RouteInput } from '../../kernel/route.ts'
import type { PageFile } from './pages.ports.ts'
import { pageHeaders } from './shell.ts'

const forEver = 'public, max-age=31536000, immutable'
/** Names that carry a digest of the content, as the documentation's build gives them: `app.DhX3k_9a.js`. */
const hashedName = /(?:^|\/)assets\/.*\.[A-Za-z0-9_-]{8}(?:\.lean)?\.[a-z0-9]+$/
const inlineScript = /<script(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g

export const isMarkdownName = (name: string): boolean => name.endsWith('.md')

/** Sends the reader on for good. */
export const redirectTo = (location: string): Reply => ({
  kind: 'bytes',
  status: 308,
  contentType: 'text/plain; charset=utf-8',
  bytes: `${location}\n`,
  headers: { location, 'cache-control': 'no-cache' },
})

/** Text that may be kept, but is asked for again each time. */
export const textReply = (contentType: string, bytes: string, headers: Record<string, string> = {}): Reply => ({
  kind: 'bytes',
  contentType,
  bytes,
  headers: { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', ...headers },
})

/** The answer to a reader who has it already (RFC 9110, section 13.1.2); null for any other. */
export const notModified = ({ headers }: RouteInput, etag: string): Reply | null => {
  const known = String(headers['if-none-match'] ?? '')
  if (known !== '*' && !known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)) return null
  return {
    kind: 'bytes',
    status: 304,
    contentType: 'text/plain; charset=utf-8',
    bytes: '',
    headers: { etag, 'cache-control': 'no-cache' },
  }
}

/** Allows a built page its own inline scripts, by their digests, and the colours of highlighted code; nothing else. */
const policyOf = (page: string): string => {
  const digests = [...page.matchAll(inlineScript)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  return (
    `default-src 'none'; script-src ${["'self'", ...new Set(digests)].join(' ')}; style-src 'self'; ` +
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'"
  )
}

/**
 * Answers with a file of a folder: `guides/keys` is `guides/keys.html`, a folder its `index.html`. Null where there is
 * none. `?v=` names the version of a file that has no digest in its name.
 */
export const answerFile = async (
  read: (path: string) => Promise<PageFile | null>,
  path: string,
  input: RouteInput,
): Promise<Reply | null> => {
  const direct = path.endsWith('/') || path === '' ? await read(`${path}index.html`) : await read(path)
  const file = direct ?? (path === '' || path.endsWith('/') ? null : await read(`${path}.html`))
  if (file === null)
    return !path.endsWith('/') && (await read(`${path}/index.html`)) ? redirectTo(`/docs/${path}/`) : null
  const isPage = file.contentType.startsWith('text/html')
  const { v: version } = input.query
  const isVersioned = typeof version === 'string' && version !== '' && file.etag.startsWith(`"${version}`)
  const lasting = hashedName.test(path) || isVersioned
  const known = notModified(input, file.etag)
  if (known !== null) return known
  const text = { 'x-content-type-options': 'nosniff', 'cache-control': lasting ? forEver : 'no-cache' }
  return {
    kind: 'bytes',
    contentType: file.contentType,
    bytes: file.bytes,
    headers: { ...(isPage ? pageHeaders(policyOf(file.bytes.toString())) : text), etag: file.etag },
  }
}
