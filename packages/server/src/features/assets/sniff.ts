import { detectText, type TextKind } from './text-encoding.ts'

/** What a content is, as its first bytes show. */
export interface Sniffed {
  readonly type: string
  /** Of a text. */
  readonly charset: string | null
}

/** How many bytes are looked at. */
export const SNIFFED_BYTES = 65_536

const starts = (head: Buffer, at: number, ...bytes: number[]): boolean =>
  head.length >= at + bytes.length && bytes.every((byte, index) => head[at + index] === byte)
const says = (head: Buffer, at: number, text: string): boolean => head.toString('latin1', at, at + text.length) === text

/** Brands of ISO base media files (ISO/IEC 14496-12, section 4.3). */
const brandType = (head: Buffer): string | null => {
  if (!says(head, 4, 'ftyp')) return null
  const brand = head.toString('latin1', 8, 12)
  if (/^avi[fs]$/.test(brand)) return 'image/avif'
  if (/^(hei[cxms]|mif1|msf1)$/.test(brand)) return 'image/heic'
  if (/^M4[AB] $/.test(brand)) return 'audio/mp4'
  return brand === 'qt  ' ? 'video/quicktime' : 'video/mp4'
}

const riffType = (head: Buffer): string | null => {
  if (!says(head, 0, 'RIFF')) return null
  const form = head.toString('latin1', 8, 12)
  return form === 'WEBP' ? 'image/webp' : form === 'WAVE' ? 'audio/wav' : form === 'AVI ' ? 'video/x-msvideo' : null
}

/** Office files are ZIP archives whose first entries tell (ECMA-376, part 2; OpenDocument 1.3, part 2, section 3.3). */
const zipType = (head: Buffer): string | null => {
  if (!starts(head, 0, 0x50, 0x4b, 0x03, 0x04)) return null
  const text = head.toString('latin1')
  const stored = /mimetype(application\/(?:vnd\.oasis\.opendocument\.[a-z]+|epub\+zip))/.exec(text.slice(0, 200))?.[1]
  if (stored !== undefined) return stored
  if (!text.includes('[Content_Types].xml')) return 'application/zip'
  const office = 'application/vnd.openxmlformats-officedocument.'
  if (text.includes('word/')) return `${office}wordprocessingml.document`
  if (text.includes('xl/')) return `${office}spreadsheetml.sheet`
  return text.includes('ppt/') ? `${office}presentationml.presentation` : 'application/zip'
}

/** The frame header of MPEG audio, layers I to III, and of ADTS, whose layer is 0 (ISO/IEC 11172-3, 13818-7). */
const frameType = (head: Buffer): string | null => {
  const [first, second = 0, third = 0] = head
  // FF FE is the mark of UTF-16 before it is a frame that nobody writes.
  if (first !== 0xff || (second & 0xe0) !== 0xe0 || second === 0xfe) return null
  if ((second & 0xf6) === 0xf0) return 'audio/aac'
  const [version, layer, rate, sampling] = [(second >> 3) & 3, (second >> 1) & 3, third >> 4, (third >> 2) & 3]
  return version !== 1 && layer !== 0 && rate !== 15 && rate !== 0 && sampling !== 3 ? 'audio/mpeg' : null
}

const magic: readonly (readonly [type: string, fits: (head: Buffer) => boolean])[] = [
  ['image/png', (head) => starts(head, 0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
  ['image/jpeg', (head) => starts(head, 0, 0xff, 0xd8, 0xff)],
  ['image/gif', (head) => says(head, 0, 'GIF87a') || says(head, 0, 'GIF89a')],
  ['image/bmp', (head) => says(head, 0, 'BM') && starts(head, 6, 0, 0, 0, 0)],
  ['image/tiff', (head) => starts(head, 0, 0x49, 0x49, 0x2a, 0) || starts(head, 0, 0x4d, 0x4d, 0, 0x2a)],
  ['application/pdf', (head) => says(head, 0, '%PDF-')],
  ['application/gzip', (head) => starts(head, 0, 0x1f, 0x8b, 8)],
  ['application/zstd', (head) => starts(head, 0, 0x28, 0xb5, 0x2f, 0xfd)],
  ['application/x-7z-compressed', (head) => starts(head, 0, 0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)],
  ['application/x-rar-compressed', (head) => starts(head, 0, 0x52, 0x61, 0x72, 0x21, 0x1a, 7)],
  ['audio/ogg', (head) => says(head, 0, 'OggS')],
  ['audio/flac', (head) => says(head, 0, 'fLaC')],
  ['audio/mpeg', (head) => says(head, 0, 'ID3')],
  ['audio/midi', (head) => says(head, 0, 'MThd')],
  ['video/webm', (head) => starts(head, 0, 0x1a, 0x45, 0xdf, 0xa3) && head.includes('webm')],
  ['video/x-matroska', (head) => starts(head, 0, 0x1a, 0x45, 0xdf, 0xa3)],
  ['application/wasm', (head) => starts(head, 0, 0, 0x61, 0x73, 0x6d)],
  ['application/x-elf', (head) => starts(head, 0, 0x7f, 0x45, 0x4c, 0x46)],
  ['application/vnd.microsoft.portable-executable', (head) => says(head, 0, 'MZ') && head.includes('PE\0\0')],
  ['application/vnd.sqlite3', (head) => says(head, 0, 'SQLite format 3\0')],
]

/** A text from behind the comments that it begins with; one that does not end stays. */
const behindComments = (text: string): string => {
  let rest = text.trimStart()
  for (let end = 0; rest.startsWith('<!--') && end !== -1; ) {
    end = rest.indexOf('-->', 4)
    if (end !== -1) rest = rest.slice(end + 3).trimStart()
  }
  return rest
}

/** What a text is, by how it begins: what a browser would run is never called plain. */
const textType = (text: string): string => {
  const begin = text
    .replace(/^\uFEFF/, '')
    .trimStart()
    .slice(0, 512)
    .toLowerCase()
  const isXml = begin.startsWith('<?xml')
  const declared = isXml ? begin.slice(begin.indexOf('>') + 1) : begin
  const root = behindComments(declared)
  if (/^<svg[\s>]/.test(behindComments(root.replace(/^<!doctype svg[^>]*>/, '')))) return 'image/svg+xml'
  if (isXml) return 'application/xml'
  if (root.startsWith('<!--')) return 'text/html'
  return /^<(!doctype html|html|head|body|script|iframe|style|title|table|div|h1|p|a|br|b)[\s>/]/.test(root)
    ? 'text/html'
    : 'text/plain'
}

/** Tells a type by content alone, of its first bytes and what all of them are; what was claimed is not believed. */
export const sniff = async (head: Buffer, text: TextKind): Promise<Sniffed> => {
  const known =
    magic.find(([, fits]) => fits(head))?.[0] ?? riffType(head) ?? brandType(head) ?? zipType(head) ?? frameType(head)
  if (known !== null) return { type: known, charset: null }
  const detected = await detectText(head, text)
  return detected === null
    ? { type: 'application/octet-stream', charset: null }
    : { type: textType(detected.start), charset: detected.charset }
}
