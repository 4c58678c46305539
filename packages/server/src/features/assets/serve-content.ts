import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Reply, RouteInput } from '../../kernel/route.ts'
import type { AssetVersion } from './assets.store.ts'
import { rangeOf, tagsOf } from './byte-range.ts'
import type { ReadChunks } from './read-chunks.ts'

/** What a page may show: a browser runs nothing of these. */
const shown = /^(image\/(png|jpeg|gif|webp|avif|bmp)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+)$/

/** A name as RFC 6266 has it: plain letters for old clients, UTF-8 for the others. */
const dispositionOf = (kind: 'attachment' | 'inline', name: string): string => {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const full = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  )
  return `${kind}; filename="${plain}"; filename*=UTF-8''${full}`
}

/** How a content is served. */
export interface Serving {
  readonly name: string
  readonly inline: boolean
  readonly cacheControl: string
  /** For caches in front: how long they may keep it, and the tags by which they are told to forget it. */
  readonly shield?: { readonly seconds: number; readonly tags: readonly string[] }
}

/**
 * Headers under which no browser takes a content for anything but what it is: no guessing, no running, a name of ours to save it by.
 */
const safeHeaders = (found: AssetVersion, { name, inline, cacheControl, shield }: Serving): Record<string, string> => ({
  [header.etag]: `"${found.digest}"`,
  [header.acceptRanges]: 'bytes',
  [header.contentDisposition]: dispositionOf(inline && shown.test(found.type) ? 'inline' : 'attachment', name),
  'cache-control': cacheControl,
  // Fastly and Varnish, Cloudflare and Akamai; RFC 9213.
  ...(shield && {
    [header.surrogateKey]: shield.tags.join(' '),
    [header.cacheTag]: shield.tags.join(','),
    [header.cdnCacheControl]: `public, max-age=${shield.seconds}`,
  }),
  'last-modified': found.createdAt.toUTCString(),
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
})

/** Answers with a content, or the part that is asked for, unless the caller has it (RFC 9110, sections 13 and 14). @throws AppError `range_not_satisfiable`. */
export const serveContent = async (
  read: ReadChunks,
  project: string,
  found: AssetVersion,
  headers: RouteInput['headers'],
  serving: Serving,
): Promise<Reply> => {
  const all = safeHeaders(found, serving)
  const known = tagsOf(headers['if-none-match'])
  if (known === '*' || known?.includes(found.digest))
    return { kind: 'bytes', status: 304, contentType: found.type, bytes: '', headers: all }
  const ifRange = tagsOf(headers['if-range'])
  const mayBePart = headers['if-range'] === undefined || (Array.isArray(ifRange) && ifRange.includes(found.digest))
  const span = mayBePart ? rangeOf(headers['range'], found.bytes) : null
  const { from, bytes } = span ?? { from: 0, bytes: found.bytes }
  const charset = found.charset === null ? '' : `; charset=${found.charset}`
  return {
    kind: 'file',
    status: span === null ? 200 : 206,
    contentType: `${found.type}${charset}`,
    pieces: await read.open(project, found.blob, { from, bytes }),
    headers: {
      ...all,
      'content-length': String(bytes),
      ...(span && { [header.contentRange]: `bytes ${from}-${from + bytes - 1}/${found.bytes}` }),
    },
    release: () => {},
  }
}

/** Where a range lies outside, the answer tells the length. */
export const tellLength = (fault: unknown, headers: Record<string, string>): never => {
  if (fault instanceof AppError && fault.code === 'range_not_satisfiable')
    headers[header.contentRange] = `bytes */${fault.options.params?.['length'] ?? 0}`
  throw fault
}
