import { isUtf8 } from 'node:buffer'
import { AppError } from './errors.ts'

/** Deepest nesting taken from a caller; `JSON.parse` alone would follow millions of levels. */
const MAX_DEPTH = 64
/** Most members an object may have at the top; a million of them would cost more to note than to parse. */
const MAX_MEMBERS = 1_000
/** Strings shorter than this are walked here; the rest of a longer one is left to the native search. */
const SHORT_STRING = 48

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

/** Characters that JSON takes as they are, of which nearly every value of ours is made. */
const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

/** Whether a text needs only quotes around it to be JSON. */
export const isPlainJson = (text: string): boolean => !needsEscape.test(text)

/** A string as JSON; for lines that are put together by hand because there is one for every call. */
export const quoteJson = (text: string): string => (isPlainJson(text) ? `"${text}"` : JSON.stringify(text))

/** The same of what may be null. */
export const quoteJsonOrNull = (text: string | null): string => (text === null ? 'null' : quoteJson(text))

/** A range of bytes: `start` is in it, `end` is not. */
interface ByteSpan {
  readonly start: number
  readonly end: number
}

/** Where the top-level members of a JSON object stand, and which names occur more than once. */
export interface JsonOutline {
  readonly members: ReadonlyMap<string, ByteSpan>
  readonly duplicates: readonly string[]
}

const isEscaped = (bytes: Buffer, quote: number): boolean => {
  let first = quote
  while (bytes[first - 1] === BACKSLASH) first--
  return (quote - first) % 2 === 1
}

const endOfString = (bytes: Buffer, start: number): number => {
  const walkUntil = Math.min(bytes.length, start + SHORT_STRING)
  let index = start + 1
  while (index < walkUntil) {
    const byte = bytes[index]
    if (byte === QUOTE) return index
    index += byte === BACKSLASH ? 2 : 1
  }
  let quote = bytes.indexOf(QUOTE, Math.min(index, bytes.length))
  while (quote !== -1 && isEscaped(bytes, quote)) quote = bytes.indexOf(QUOTE, quote + 1)
  if (quote === -1) throw new AppError('invalid_json', { detail: `The string at byte ${start} never ends.` })
  return quote
}

const nameOf = (bytes: Buffer, start: number, end: number): string => {
  const text = bytes.toString('utf8', start + 1, end)
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    throw new AppError('invalid_json', { detail: `The member name at byte ${start} has an invalid escape.` })
  }
}

const trimmed = (bytes: Buffer, start: number, end: number): ByteSpan => {
  let from = start
  let to = end
  while (from < to && (bytes[from] as number) <= SPACE) from++
  while (to > from && (bytes[to - 1] as number) <= SPACE) to--
  return { start: from, end: to }
}

/**
 * Walks a JSON object once, byte by byte: finds its top-level members and refuses text that is not UTF-8 or nests too
 * deeply. Grammar is left to `JSON.parse`, which must follow.
 * @throws AppError `invalid_encoding`, `json_too_deep`, `invalid_json`, or `invalid_parameter` for too many members.
 */
export const outlineJson = (bytes: Buffer): JsonOutline => {
  if (!isUtf8(bytes)) throw new AppError('invalid_encoding')
  const members = new Map<string, ByteSpan>()
  const duplicates: string[] = []
  let depth = 0
  let name: string | null = null
  let valueStart = 0
  let expectsName = false
  const close = (end: number) => {
    if (name === null) return
    if (members.has(name)) duplicates.push(name)
    members.set(name, trimmed(bytes, valueStart, end))
    if (members.size + duplicates.length > MAX_MEMBERS)
      throw new AppError('invalid_parameter', { detail: `The body has more than ${MAX_MEMBERS} members at the top.` })
    name = null
  }
  for (let index = 0; index < bytes.length; index++) {
    switch (bytes[index]) {
      case QUOTE: {
        const end = endOfString(bytes, index)
        if (expectsName && depth === 1) {
          name = nameOf(bytes, index, end)
          expectsName = false
        }
        index = end
        break
      }
      case 0x7b: // {
        expectsName = ++depth === 1
        if (depth > MAX_DEPTH) throw new AppError('json_too_deep')
        break
      case 0x5b: // [
        if (++depth > MAX_DEPTH) throw new AppError('json_too_deep')
        break
      case 0x7d: // }
      case 0x5d: // ]
        if (depth === 1) close(index)
        depth--
        break
      case 0x2c: // ,
        if (depth === 1) {
          close(index)
          expectsName = true
        }
        break
      case 0x3a: // :
        if (depth === 1) valueStart = index + 1
        break
    }
  }
  return { members, duplicates }
}

/** Where a member stands at the top of an object, with its name and one comma: what to cut so that JSON is left. Text: JSON that `outlineJson` has let through. */
export const memberWithName = (bytes: Buffer, value: ByteSpan): ByteSpan => {
  const isSpace = (byte: number | undefined): boolean => byte !== undefined && byte <= 0x20
  // From its name to the comma behind it, or from the comma before it where it stands last.
  let start = bytes.lastIndexOf(QUOTE, bytes.lastIndexOf(0x3a, value.start))
  start = bytes.lastIndexOf(QUOTE, start - 1)
  let { end } = value
  while (isSpace(bytes[end])) end++
  if (bytes[end] === 0x2c) return { start, end: end + 1 }
  while (isSpace(bytes[start - 1])) start--
  return { start: bytes[start - 1] === 0x2c ? start - 1 : start, end: value.end }
}

/** Half a character can only come from an escape: UTF-8 has none. */
const surrogateEscape = /\\u[dD][89a-fA-F]/

const refuseHalfCharacters = (value: unknown): void => {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new AppError('invalid_encoding', { detail: 'A string holds half a character: a lone surrogate.' })
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    refuseHalfCharacters(name)
    refuseHalfCharacters(member)
  }
}

/**
 * Parses bytes that `outlineJson` has let through, for what is stored: PostgreSQL takes no half characters.
 * @throws AppError `invalid_json`, or `invalid_encoding` for a lone surrogate.
 */
export const parseStorableJson = (bytes: Buffer): unknown => {
  const value = parseJson(bytes)
  if (surrogateEscape.test(bytes.toString('latin1'))) refuseHalfCharacters(value)
  return value
}

/** V8 says one of four things, and shows a piece of the text, which stays here. */
const whereItBreaks = (message: string): string => {
  const position = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  if (position !== undefined) return `it breaks at character ${position}`
  const token = /^SyntaxError: Unexpected token '(.)'/u.exec(message)?.[1]
  if (token !== undefined) return `"${token}" stands where it must not`
  return message.endsWith('end of JSON input') ? 'it ends too early' : 'it is none of its values'
}

/**
 * Parses bytes that `outlineJson` has let through.
 * @throws AppError `invalid_json`, naming the position where the grammar breaks.
 */
export const parseJson = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    const detail =
      bytes.length === 0 ? 'The body is empty.' : `The body is not valid JSON: ${whereItBreaks(String(cause))}.`
    throw new AppError('invalid_json', { detail })
  }
}
