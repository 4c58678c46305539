import type { MatrixEntry } from '@headgate/contract/models.ts'
import { csvText } from '../../kernel/csv.ts'

type Cell = string | number | boolean | null
type Column = readonly [name: string, cellOf: (entry: MatrixEntry) => Cell]

/** What a table says where nothing was measured: an empty cell would look like a gap in the table. */
export const notMeasured = 'not measured'

const words = (list: readonly string[] | null): string | null => list && list.join(' ')

const columns: readonly Column[] = [
  ['id', ({ id }) => id],
  ['provider', ({ headgate }) => headgate.provider],
  ['model', ({ headgate }) => headgate.model],
  ['operations', ({ headgate }) => words(headgate.operations)],
  ['input', ({ headgate }) => words(headgate.modalities.input)],
  ['output', ({ headgate }) => words(headgate.modalities.output)],
  ['context_tokens', ({ headgate }) => headgate.context_tokens],
  ['max_output_tokens', ({ headgate }) => headgate.max_output_tokens],
  ['tools', ({ headgate }) => headgate.tools],
  ['structured_output', ({ headgate }) => headgate.structured_output],
  ['licence', ({ headgate }) => headgate.licence],
  ['licence_allowed', ({ licence_allowed }) => licence_allowed],
  ['attribution', ({ headgate }) => headgate.attribution],
  ['usd_input_per_million', ({ headgate }) => headgate.price?.input_per_million ?? null],
  ['usd_cached_input_per_million', ({ headgate }) => headgate.price?.cached_input_per_million ?? null],
  ['usd_output_per_million', ({ headgate }) => headgate.price?.output_per_million ?? null],
  ['usd_per_request', ({ headgate }) => headgate.price?.per_request ?? null],
  ['usd_per_image', ({ headgate }) => headgate.price?.per_image ?? null],
  ['usd_per_audio_hour', ({ headgate }) => headgate.price?.per_audio_hour ?? null],
  ['usd_per_million_characters', ({ headgate }) => headgate.price?.per_million_characters ?? null],
  ['price_version', ({ headgate }) => headgate.price?.version ?? null],
  ['first_token_p50_ms', ({ headgate }) => headgate.measured?.first_token_ms?.p50 ?? notMeasured],
  ['first_token_p95_ms', ({ headgate }) => headgate.measured?.first_token_ms?.p95 ?? notMeasured],
  ['output_tokens_per_second', ({ headgate }) => headgate.measured?.output_tokens_per_second ?? notMeasured],
  ['measured_answers', ({ headgate }) => headgate.measured?.answers ?? notMeasured],
  ['measured_last_at', ({ headgate }) => headgate.measured?.last_at ?? notMeasured],
  ['sources', ({ sources }) => sources.map(({ url, read }) => `${url} (${read})`).join(' ')],
]

/** Models as a CSV text: what is unknown is an empty cell, what was not measured says so. */
export const modelsAsCsv = (entries: readonly MatrixEntry[]): string =>
  csvText(
    columns.map(([name]) => name),
    entries.map((entry) => columns.map(([, cellOf]) => cellOf(entry))),
  )
