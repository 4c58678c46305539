import { AppError } from '../../kernel/errors.ts'

/** A picture, or where its provider keeps it. */
export type Picture =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly contentType: string }
  | { readonly kind: 'address'; readonly url: string }

/** First bytes of the formats that browsers show. */
const signatures: readonly (readonly [type: string, at: number, bytes: string])[] = [
  ['image/png', 0, '\u0089PNG'],
  ['image/jpeg', 0, '\u00ff\u00d8\u00ff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['image/avif', 4, 'ftypavif'],
]

/** What the bytes are, by themselves: nobody is believed who says so. */
const typeOf = (bytes: Buffer): string =>
  signatures.find(([, at, start]) => bytes.toString('latin1', at, at + start.length) === start)?.[0] ??
  'application/octet-stream'

const quote = 34

/** The text of the first member of this name: pictures are too large to be parsed for it. */
const memberText = (json: Buffer, name: string): string | null => {
  const at = json.indexOf(`"${name}"`)
  if (at < 0) return null
  const start = json.indexOf(quote, json.indexOf(':', at + name.length + 2)) + 1
  const end = json.indexOf(quote, start)
  return start === 0 || end <= start ? null : json.toString('latin1', start, end).replaceAll('\\/', '/')
}

const ofBase64 = (text: string): Picture => {
  const bytes = Buffer.from(text, 'base64')
  return { kind: 'bytes', bytes, contentType: typeOf(bytes) }
}

/**
 * The first picture of an answer of `/v1/images/generations`.
 * @throws AppError `upstream_malformed` where it holds none.
 */
export const pictureOf = (body: Buffer): Picture => {
  const base64 = memberText(body, 'b64_json')
  if (base64 !== null) return ofBase64(base64)
  const url = memberText(body, 'url') ?? ''
  const inline = /^data:[\w/+.-]+;base64,/.exec(url)
  if (inline !== null) return ofBase64(url.slice(inline[0].length))
  if (/^https?:\/\/[\x21-\x7e]+$/.test(url)) return { kind: 'address', url }
  throw new AppError('upstream_malformed')
}
