import type { MemberSpan } from '../../domain/inference.ts'

/** A text in a body: where it stands (of JSON, inside its quotes), and what it says. */
export interface TextSpan extends MemberSpan {
  readonly text: string
}

/** The texts of a body, and how much of it is nothing that words could judge: pictures, files, recordings, tokens. */
export interface Texts {
  readonly texts: readonly TextSpan[]
  readonly unread: number
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const closeBrace = 0x7d
const closeBracket = 0x5d
/** Members that may hold files as base64; longer ones without any space are no words. */
const packed = new Set(['data', 'file_data', 'b64_json', 'bytes'])
/** Members that hold the address of a file, or the file itself as a data URL. Elsewhere what looks like one is a text. */
const addresses = new Set(['url', 'image_url', 'file_url'])
const longText = 1_024

/** Members that hold no words, of requests and answers. */
const wordless: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'object',
  'model',
  'tool_call_id',
  'tool_use_id',
  'media_type',
  'file_id',
  'signature',
  'encrypted_content',
  'finish_reason',
  'stop_reason',
])

/** Of definitions of tools and formats: what they are called is no part of what is said. */
export const wordlessDefined: ReadonlySet<string> = new Set([...wordless, 'name'])

const endOfText = (json: Buffer, start: number, end: number): number => {
  let at = start
  while (at < end) {
    const next = json.indexOf(quote, at)
    if (next === -1 || next >= end) return end
    let slash = next
    while (slash > start && json[slash - 1] === backslash) slash--
    if ((next - slash) % 2 === 0) return next
    at = next + 1
  }
  return end
}

/** Whether a text is a file as base64, or the address of one. */
const isPacked = (json: Buffer, start: number, end: number, name: string): boolean => {
  if (addresses.has(name)) return true
  if (!packed.has(name)) return false
  if (json.toString('latin1', start, start + 5) === 'data:') return true
  if (end - start < longText) return false
  if (!/^[A-Za-z0-9+/=_-]+$/.test(json.toString('latin1', start, start + longText))) return false
  const space = json.indexOf(0x20, start)
  return space === -1 || space >= end
}

const textOf = (json: Buffer, start: number, end: number): string => {
  const written = json.toString('utf8', start, end)
  if (!written.includes('\\')) return written
  try {
    return JSON.parse(`"${written}"`) as string
  } catch {
    // Answers of providers need not be right; what stands there is looked at as it is.
    return written
  }
}

/**
 * Finds the texts of valid JSON from `from` to `to`, names of members left aside, by one walk that parses nothing.
 * @param silent Members that hold no words.
 */
export const textsOfJson = (json: Buffer, from: number, to: number, silent = wordless): Texts => {
  const texts: TextSpan[] = []
  let unread = 0
  let name = ''
  for (let at = from; at < to; at++) {
    const byte = json[at]
    if (byte === closeBrace || byte === closeBracket) name = ''
    if (byte !== quote) continue
    const start = at + 1
    const end = endOfText(json, start, to)
    at = end
    let after = end + 1
    while (after < to && (json[after] as number) <= 0x20) after++
    if (json[after] === colon) {
      name = end - start < 40 ? json.toString('latin1', start, end) : ''
      at = after
    } else if (end > start && !silent.has(name)) {
      if (isPacked(json, start, end, name)) unread++
      else texts.push({ start, end, text: textOf(json, start, end) })
    }
  }
  return { texts, unread }
}

/** A text that takes the place of one that stood at a span. */
export interface Replacement extends MemberSpan {
  readonly text: string
}

/** A body with some of its texts replaced. @param encode How a text is written there. */
export const replaceTexts = (
  body: Buffer,
  replacements: readonly Replacement[],
  encode: (text: string) => string,
): { readonly body: Buffer; readonly moved: (at: number) => number } => {
  const pieces: Buffer[] = []
  const growths: { readonly end: number; readonly growth: number }[] = []
  let from = 0
  let growth = 0
  for (const { start, end, text } of replacements) {
    const written = Buffer.from(encode(text))
    pieces.push(body.subarray(from, start), written)
    growth += written.length - (end - start)
    growths.push({ end, growth })
    from = end
  }
  pieces.push(body.subarray(from))
  return {
    body: Buffer.concat(pieces),
    moved: (at) => at + (growths.findLast(({ end }) => end <= at)?.growth ?? 0),
  }
}

/** A text as it stands inside the quotes of JSON. */
export const insideQuotes = (text: string): string => JSON.stringify(text).slice(1, -1)
