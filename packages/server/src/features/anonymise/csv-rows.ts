import type { Item } from './items.ts'
import { inputFault, longestRecord } from './lines.ts'

/** Most columns of a row. */
const mostColumns = 10_000

/** Where a record that is being read stands. */
interface Reading {
  cells: string[]
  cell: string
  /** `plain` outside of quotation marks, `quoted` within, `closing` behind one that ends the cell or doubles itself. */
  state: 'plain' | 'quoted' | 'closing'
  /** A carriage return came: only a line feed may follow. */
  returned: boolean
  /** The line where the record begins, and the one that is being read. */
  begin: number
  line: number
  length: number
}

const linesIn = (text: string): number => {
  let lines = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** Reads on to the end of a record or of the chunk; returns where it stopped, and whether that was the end of a record. */
const advance = (reading: Reading, chunk: string, from: number, special: RegExp): { at: number; ended: boolean } => {
  let at = from
  while (at < chunk.length) {
    if (reading.state === 'quoted') {
      const end = chunk.indexOf('"', at)
      const part = chunk.slice(at, end === -1 ? chunk.length : end)
      reading.cell += part
      reading.line += linesIn(part)
      if (end === -1) return { at: chunk.length, ended: false }
      reading.state = 'closing'
      at = end + 1
      continue
    }
    special.lastIndex = at
    const next = special.exec(chunk)?.index ?? chunk.length
    if (next > at) {
      if (reading.returned) throw inputFault(reading.line, 'has a carriage return outside of quotation marks.')
      if (reading.state === 'closing')
        throw inputFault(reading.line, 'has something behind the quotation mark that ends a cell.')
      reading.cell += chunk.slice(at, next)
      at = next
      continue
    }
    const character = chunk[at++]
    if (character === '\n') {
      reading.line++
      return { at, ended: true }
    }
    if (reading.returned) throw inputFault(reading.line, 'has a carriage return outside of quotation marks.')
    if (character === '\r') reading.returned = true
    else if (character === '"') {
      if (reading.state === 'closing') reading.cell += '"'
      else if (reading.cell !== '')
        throw inputFault(reading.line, 'has a quotation mark within a cell that does not begin with one.')
      reading.state = 'quoted'
    } else {
      reading.cells.push(reading.cell)
      if (reading.cells.length > mostColumns) throw inputFault(reading.begin, `has more than ${mostColumns} columns.`)
      reading.cell = ''
      reading.state = 'plain'
    }
  }
  return { at, ended: false }
}

/** Records of CSV (RFC 4180) as it comes: cells in quotation marks may hold line ends; each record with the line where it begins. */
async function* records(
  chunks: AsyncIterable<string>,
  delimiter: string,
): AsyncGenerator<{ cells: string[]; line: number }> {
  const special = new RegExp(`["\\n\\r${delimiter.replace(/[\\\]^-]/g, '\\$&')}]`, 'g')
  const fresh = (line: number): Reading => ({
    cells: [],
    cell: '',
    state: 'plain',
    returned: false,
    begin: line,
    line,
    length: 0,
  })
  let reading = fresh(1)
  const finish = (): { cells: string[]; line: number } | null => {
    const { cells, cell, state, begin, line } = reading
    const isEmpty = cells.length === 0 && cell === '' && state === 'plain'
    cells.push(cell)
    reading = fresh(line)
    return isEmpty ? null : { cells, line: begin }
  }
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const step = advance(reading, chunk, at, special)
      reading.length += step.at - at
      at = step.at
      if (reading.length > longestRecord) throw inputFault(reading.begin, `is longer than ${longestRecord} characters.`)
      const record = step.ended ? finish() : null
      if (record !== null) yield record
    }
  }
  if (reading.state === 'quoted') throw inputFault(reading.begin, 'begins a cell in quotation marks that never ends.')
  const last = finish()
  if (last !== null) yield last
}

/** The rows of CSV, the first record naming the columns. */
export async function* csvItems(chunks: AsyncIterable<string>, table: string, delimiter: string): AsyncGenerator<Item> {
  let heading: readonly string[] | undefined
  for await (const { cells, line } of records(chunks, delimiter)) {
    if (heading === undefined) {
      heading = cells.map((cell, at) => (at === 0 ? cell.replace(/^\ufeff/, '') : cell))
      const twice = heading.find((name, at) => heading?.indexOf(name) !== at)
      if (twice !== undefined) throw inputFault(line, `names two columns ${JSON.stringify(twice)}.`)
      yield { kind: 'table', name: table, heading, raw: writeCsvCells(heading, delimiter), line }
      continue
    }
    if (cells.length !== heading.length)
      throw inputFault(line, `has ${cells.length} cells where the heading has ${heading.length}.`)
    yield { kind: 'row', row: { cells }, line }
  }
  if (heading === undefined) throw inputFault(1, 'is missing: CSV begins with the names of its columns.')
  yield { kind: 'end', raw: '' }
}

/** One record of CSV, its end included. */
export const writeCsvCells = (cells: readonly (string | null)[], delimiter: string): string =>
  `${cells
    .map((cell) => {
      const text = cell ?? ''
      return text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(delimiter)}\n`
