import { parseUsd } from '../../domain/money.ts'
import { AppError } from '../../kernel/errors.ts'
import { csvRecords, linesOf, type TextPieces } from './delimited-text.ts'

/** What is compared: counts, and the cost in nano-USD. */
export const figureNames = ['requests', 'input_tokens', 'output_tokens', 'cost_usd'] as const
export type FigureName = (typeof figureNames)[number]
export type Figures = Readonly<Record<FigureName, bigint>>

/** What a column of an export is read for. */
export type ExportField = 'request_id' | 'time' | 'model' | FigureName

/** A row of a provider's export; figures that it does not tell are absent. */
export interface ExportRow {
  readonly requestId: string | null
  /** Milliseconds since the epoch; null where the row tells none. */
  readonly at: number | null
  /** Empty where the row is of all models. */
  readonly model: string
  readonly figures: Partial<Figures>
}

/** Columns by field, several of one field being summed; for those not named the known ones are tried. */
export type ColumnChoice = Readonly<Partial<Record<ExportField, readonly string[]>>>

type Cells = Readonly<Record<string, unknown>>

// Sets of columns, of which the first holds whose first column is there. Those of OpenAI's and Anthropic's exports, as
// CSV and as the buckets of their usage and cost APIs. Anthropic counts cached input apart, OpenAI within.
const known: Readonly<Record<ExportField, readonly (readonly string[])[]>> = {
  request_id: [['request_id'], ['x_request_id'], ['client_request_id']],
  time: [
    ['start_time_iso'],
    ['start_time'],
    ['starting_at'],
    ['usage_date_utc'],
    ['timestamp'],
    ['created_at'],
    ['date'],
  ],
  model: [['model'], ['model_version'], ['model_name']],
  requests: [['num_model_requests'], ['requests'], ['request_count']],
  input_tokens: [
    [
      'uncached_input_tokens',
      'cache_read_input_tokens',
      'cache_creation.ephemeral_5m_input_tokens',
      'cache_creation.ephemeral_1h_input_tokens',
    ],
    [
      'usage_input_tokens_no_cache',
      'usage_input_tokens_cache_read',
      'usage_input_tokens_cache_write_5m',
      'usage_input_tokens_cache_write_1h',
    ],
    ['cache_read_input_tokens', 'cache_creation_input_tokens', 'input_tokens'],
    ['input_tokens'],
    ['prompt_tokens'],
  ],
  output_tokens: [['output_tokens'], ['usage_output_tokens'], ['completion_tokens']],
  cost_usd: [['cost_usd'], ['amount_value'], ['amount.value'], ['cost']],
}

const refuse = (row: number, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', {
    detail: `Row ${row} of the export: ${message}. ${fix}`,
    details: [{ location: `row ${row}`, message, fix }],
  })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The rows in a JSON value: usage APIs nest them in pages (`data`) and buckets (`results`), which tell their time. */
const flatten = (value: unknown, outer: Cells): Cells[] => {
  if (!isObject(value)) return []
  const cells: Record<string, unknown> = { ...outer }
  for (const [name, member] of Object.entries(value)) {
    if (isObject(member)) for (const [inner, leaf] of Object.entries(member)) cells[`${name}.${inner}`] = leaf
    else if (!Array.isArray(member)) cells[name] = member
  }
  const nested = value['results'] ?? value['data']
  return Array.isArray(nested) ? nested.flatMap((inner) => flatten(inner, cells)) : [cells]
}

async function* jsonRows(pieces: TextPieces): AsyncGenerator<Cells> {
  let number = 0
  for await (const line of linesOf(pieces)) {
    number++
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw refuse(number, 'is no JSON object', 'Write one object per line (jq -c . file.json).')
    }
    if (!isObject(value)) throw refuse(number, 'is no JSON object', 'Write one object per line.')
    yield* flatten(value, {})
  }
}

async function* csvRows(pieces: TextPieces): AsyncGenerator<Cells> {
  let header: readonly string[] | undefined
  let number = 0
  for await (const record of csvRecords(pieces)) {
    if (!header) {
      header = record.map((name) => name.trim())
      continue
    }
    number++
    if (record.length > header.length)
      throw refuse(number, `has ${record.length} cells under ${header.length} headings`, 'Export the file again.')
    yield Object.fromEntries(header.map((name, column) => [name, record[column] ?? '']))
  }
}

async function* withoutMark(pieces: TextPieces, first: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield first.replace(/^\uFEFF/u, '')
  for (;;) {
    const next = await rest.next()
    if (next.done === true) return
    yield next.value
  }
}

const timeOf = (text: string): number => {
  // OpenAI's buckets begin at seconds since the epoch.
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1_000
  // A time without a zone is UTC, as a date alone is.
  const zoned = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text.replace(' ', 'T')}Z` : text
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(zoned) : Number.NaN
}

const amountOf = (name: FigureName, text: string): bigint => {
  if (name === 'cost_usd') return parseUsd(text.replace(/^\$/, ''))
  const match = /^(\d+)(\.0*)?$/.exec(text)
  if (!match) throw new RangeError('not a count')
  return BigInt(match[1] as string)
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''

/** Reads the rows of an export, CSV or JSON Lines. @throws AppError invalid_parameter, with the row at fault */
export async function* readProviderExport(text: TextPieces, choice: ColumnChoice): AsyncGenerator<ExportRow> {
  const pieces = text[Symbol.asyncIterator]()
  const first = await pieces.next()
  const start = first.done === true ? '' : first.value
  const whole = withoutMark(text, start, pieces)
  const rows = /^\uFEFF?\s*\{/u.test(start) ? jsonRows(whole) : csvRows(whole)
  const unseen = new Set(Object.values(choice).flat())
  let number = 0

  const columnsOf = (field: ExportField, cells: Cells): readonly string[] => {
    const columns =
      choice[field] ?? known[field].find(([name]) => name !== undefined && Object.hasOwn(cells, name)) ?? []
    return columns.filter((name) => Object.hasOwn(cells, name))
  }

  for await (const cells of rows) {
    number++
    for (const name of unseen) if (Object.hasOwn(cells, name)) unseen.delete(name)
    const figures: Partial<Record<FigureName, bigint>> = {}
    for (const name of figureNames) {
      for (const column of columnsOf(name, cells)) {
        const told = textOf(cells[column])
        try {
          figures[name] = (figures[name] ?? 0n) + (told === '' ? 0n : amountOf(name, told))
        } catch {
          throw refuse(
            number,
            `${column} is no ${name === 'cost_usd' ? 'amount' : 'count'}`,
            'Correct it, or name another column.',
          )
        }
      }
    }
    const one = (field: ExportField): string => {
      const column = columnsOf(field, cells)[0]
      return column === undefined ? '' : textOf(cells[column])
    }
    const time = one('time')
    const at = time === '' ? null : timeOf(time)
    if (Number.isNaN(at))
      throw refuse(number, `${time.slice(0, 40)} is no time`, 'Name the column of the time: --time-column.')
    yield { requestId: one('request_id') || null, at, model: one('model'), figures }
  }
  const missing = [...unseen][0]
  if (missing !== undefined && number > 0)
    throw refuse(1, `has no column ${missing}`, 'Name the columns as they stand in the file.')
}
