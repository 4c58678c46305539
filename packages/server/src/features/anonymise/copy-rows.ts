import type { Item } from './items.ts'
import { inputFault, linesOf } from './lines.ts'
import { type Quote, quoteAfter } from './sql-quotes.ts'

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** A cell of COPY’s text format (PostgreSQL, COPY, file formats): `\N` is null, a backslash begins what cannot stand by itself. */
const readCell = (text: string): string | null => {
  if (text === '\\N') return null
  if (!text.includes('\\')) return text
  return text.replace(/\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)/gs, (_, escaped: string) => {
    if (escaped.length > 1 && escaped.startsWith('x')) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 255)
    return escapes[escaped] ?? escaped
  })
}

const writeCell = (cell: string | null): string =>
  cell === null
    ? '\\N'
    : cell.replace(/[\\\n\r\t\b\f\v]/g, (character) => {
        if (character === '\\') return '\\\\'
        return `\\${Object.keys(escapes).find((name) => escapes[name] === character) as string}`
      })

/** Cells of a line of COPY. */
export const readCopyCells = (text: string): (string | null)[] => text.split('\t').map(readCell)

/** One line of COPY, its end included. */
export const writeCopyCells = (cells: readonly (string | null)[]): string => `${cells.map(writeCell).join('\t')}\n`

const nameOf = (written: string): string =>
  written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase()

const name = '(?:"(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)'
const copyLine = new RegExp(`^COPY (${name}(?:\\.${name})?) \\((.+)\\) FROM stdin;\\s*$`, 'i')
const names = new RegExp(name, 'g')

/** What would carry rows past the policy. */
const refused: readonly (readonly [RegExp, string])[] = [
  [/^\s*INSERT\s+INTO\b/i, 'inserts rows by INSERT. Make the dump with COPY, as pg_dump does by itself.'],
  [/^\s*COPY\b.*\bFROM\b/i, 'has a COPY in a form that is not read: COPY table (columns) FROM stdin; is.'],
  [
    /\b(?:lowrite|lo_put|lo_from_bytea)\s*\(/i,
    'writes a large object, which no policy reaches. Dump without them (--no-large-objects).',
  ],
]

/**
 * Rows of a dump in SQL, as pg_dump writes it: those of COPY are rows, everything else goes through, and what would carry rows in another way is
 * refused. Bodies of functions, strings and comments are left alone; one that never ends, or in which rows seem to begin, is refused, for what
 * follows could be rows that nobody looked at.
 */
export async function* copyItems(chunks: AsyncIterable<string>): AsyncGenerator<Item> {
  let columns = 0
  let began = 0
  let quote: Quote | null = null
  let opened = 0
  for await (const { text, line } of linesOf(chunks)) {
    if (began > 0) {
      if (text === '\\.') {
        began = 0
        yield { kind: 'end', raw: '\\.\n' }
        continue
      }
      const cells = readCopyCells(text)
      if (cells.length !== columns)
        throw inputFault(line, `has ${cells.length} cells where COPY names ${columns} columns.`)
      yield { kind: 'row', row: { cells }, line }
      continue
    }
    const isWithin: boolean = quote !== null
    const begins = copyLine.exec(text)
    if (begins !== null && isWithin)
      throw inputFault(line, `begins rows within a string, a comment or a body that began before, in line ${opened}.`)
    // A line of psql's own has no quotes of SQL.
    if (isWithin || !text.startsWith('\\')) quote = quoteAfter(text, quote)
    if (!isWithin) opened = line
    if (begins !== null) {
      const [, table = '', list = ''] = begins
      const heading = [...list.matchAll(names)].map(([written]) => nameOf(written))
      columns = heading.length
      began = line
      const path = [...table.matchAll(names)].map(([written]) => nameOf(written)).join('.')
      yield { kind: 'table', name: path, heading, raw: `${text}\n`, line }
      continue
    }
    const problem = isWithin ? undefined : refused.find(([form]) => form.test(text))?.[1]
    if (problem !== undefined) throw inputFault(line, problem)
    yield { kind: 'raw', text: `${text}\n` }
  }
  if (quote !== null) throw inputFault(opened, 'begins a string, a comment or a body that never ends.')
  if (began > 0) throw inputFault(began, 'begins rows that never end: the dump was cut.')
}
