import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A file as it is served. */
export interface SiteFile {
  readonly bytes: Buffer
  readonly contentType: string
  /** Of the bytes, quoted as in the header. */
  readonly etag: string
}

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
}

/** A name of a folder or file that is no way out: no dot in front, no slash of either kind, nothing encoded. */
const plainName = /^[A-Za-z0-9_@][A-Za-z0-9_@.~-]*$/

/**
 * Reads the files of one folder by their path below it. Answers null for what is not there, has no known kind, or is not
 * a plain path.
 */
export const createSite =
  (folder: string) =>
  async (path: string): Promise<SiteFile | null> => {
    const names = path.split('/')
    const last = names.at(-1) ?? ''
    const contentType = contentTypes[last.slice(last.lastIndexOf('.') + 1)]
    if (contentType === undefined || !names.every((name) => plainName.test(name))) return null
    try {
      const bytes = await readFile(join(folder, ...names))
      return { bytes, contentType, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }
    } catch {
      return null
    }
  }
