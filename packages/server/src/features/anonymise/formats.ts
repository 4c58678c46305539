import { csvItems, writeCsvCells } from './csv-rows.ts'
import { copyItems, writeCopyCells } from './copy-rows.ts'
import type { Item } from './items.ts'
import { inputFault, linesOf } from './lines.ts'
import type { Row } from './rows.ts'

/** What inputs are made of. */
export const formats = ['csv', 'jsonl', 'sql'] as const
export type Format = (typeof formats)[number]

export interface FormatOptions {
  readonly format: Format
  /** Between the cells of CSV: one character. */
  readonly delimiter: string
  /** The name of the table of CSV and JSON Lines. */
  readonly table: string
}

interface SourceOfValue {
  readonly source?: string
}
const rawJson = JSON as typeof JSON & { readonly rawJSON: (source: string) => unknown }

/** Numbers that a float does not hold stay as they were written. */
const parse = (text: string): unknown => {
  if (!/\d{16}|\d[eE]/.test(text)) return JSON.parse(text)
  const keep = (_: string, value: unknown, context?: SourceOfValue): unknown => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source
      ? rawJson.rawJSON(source)
      : value
  }
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1])
}

async function* documents(chunks: AsyncIterable<string>, table: string): AsyncGenerator<Item> {
  yield { kind: 'table', name: table, heading: null, raw: '', line: 1 }
  for await (const { text, line } of linesOf(chunks)) {
    if (text.trim() === '') continue
    let document: unknown
    try {
      document = parse(line === 1 ? text.replace(/^\ufeff/, '') : text)
    } catch (cause) {
      throw inputFault(line, 'is no JSON.', cause)
    }
    if (typeof document !== 'object' || document === null || Array.isArray(document))
      throw inputFault(line, 'is no object of JSON.')
    yield { kind: 'row', row: { document }, line }
  }
  yield { kind: 'end', raw: '' }
}

/** Reads an input as it comes; nothing of it is held but the record that is being read. */
export const readItems = (chunks: AsyncIterable<string>, options: FormatOptions): AsyncIterable<Item> => {
  if (options.format === 'csv') return csvItems(chunks, options.table, options.delimiter)
  return options.format === 'sql' ? copyItems(chunks) : documents(chunks, options.table)
}

/** Writes a row in the format that it came in. */
export const writeRow = (row: Row, options: FormatOptions): string => {
  if ('document' in row) return `${JSON.stringify(row.document)}\n`
  return options.format === 'csv' ? writeCsvCells(row.cells, options.delimiter) : writeCopyCells(row.cells)
}
