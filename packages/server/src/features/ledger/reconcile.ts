import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { type ExportRow, type FigureName, type Figures, figureNames } from './provider-export.ts'
import { ledgerCalls, ledgerTotals } from './reconcile.store.ts'
import type { Range } from './usage.store.ts'

/** How a comparison is made. */
export interface ReconcileOptions {
  /** The provider of the export, by its name in the configuration. */
  readonly provider: string
  /** Milliseconds since the epoch, `to` excluded; the days of the export unless told. */
  readonly from: number | null
  readonly to: number | null
  /** Parts per million by which figures may differ. */
  readonly tolerance: bigint
}

/** One side of a row; figures that the export does not tell are absent. */
export type Side = Partial<Figures>

/** A row that is not the same on both sides. */
export interface Difference {
  /** `missing`: the ledger has no such row. `extra`: the export has none. `differing`: both have it, otherwise. */
  readonly what: 'missing' | 'extra' | 'differing'
  readonly request_id: string | null
  readonly day: string | null
  readonly model: string | null
  readonly ledger: Side | null
  readonly provider: Side | null
  /** Calls of the row whose tokens the ledger had to count by itself: the likely cause. */
  readonly estimated: bigint
}

/** What a comparison came to. */
export interface Reconciliation {
  readonly ok: boolean
  readonly provider: string
  /** What rows are matched by. */
  readonly by: 'request' | 'day and model' | 'day'
  readonly range: Range
  /** The figures that the export tells; others are not compared. */
  readonly compared: readonly FigureName[]
  readonly rows: number
  readonly missing: number
  readonly extra: number
  readonly differing: number
  /** The first thousand. */
  readonly differences: readonly Difference[]
  readonly sums: { readonly ledger: Figures; readonly provider: Side }
}

interface Row {
  readonly requestId: string | null
  readonly day: string | null
  readonly model: string | null
  figures: Figures
  estimated: bigint
}

const DAY_MS = 86_400_000
/** A call may stand on another day with the provider: it is recorded there when it ends. */
const EDGE_MS = 3_600_000
const MOST_DIFFERENCES = 1_000
const MILLION = 1_000_000n
const none: Figures = { requests: 0n, input_tokens: 0n, output_tokens: 0n, cost_usd: 0n }

const add = (left: Figures, right: Partial<Figures>): Figures => ({
  requests: left.requests + (right.requests ?? 0n),
  input_tokens: left.input_tokens + (right.input_tokens ?? 0n),
  output_tokens: left.output_tokens + (right.output_tokens ?? 0n),
  cost_usd: left.cost_usd + (right.cost_usd ?? 0n),
})
const isNothing = (figures: Partial<Figures>): boolean => figureNames.every((name) => !figures[name])
const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** A model without the date of its snapshot: asked for by its family's name, it is billed by the dated one. */
const family = (model: string): string => model.replace(/[-@](\d{4}-\d\d-\d\d|\d{8})$/, '')

interface Collected {
  readonly by: Reconciliation['by']
  readonly rows: Map<string, Row>
  readonly compared: readonly FigureName[]
  readonly range: Range
}

const refuse = (message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${message} ${fix}`, details: [{ location: 'file', message, fix }] })

/** Sums the export's rows by what they can be matched by. */
const collect = async (exported: AsyncIterable<ExportRow>, options: ReconcileOptions): Promise<Collected> => {
  const byRequest = new Map<string, Row>()
  const byDay = new Map<string, Row>()
  const told = new Set<FigureName>()
  let [first, last, named, unnamed] = [Infinity, -Infinity, 0, 0]
  const put = (rows: Map<string, Row>, key: string, row: Omit<Row, 'figures' | 'estimated'>, figures: Side) => {
    const known = rows.get(key)
    if (known) known.figures = add(known.figures, figures)
    else rows.set(key, { ...row, figures: add(none, figures), estimated: 0n })
  }
  for await (const { requestId, at, model, figures } of exported) {
    if (at !== null && ((options.from !== null && at < options.from) || (options.to !== null && at >= options.to)))
      continue
    if (at !== null) [first, last] = [Math.min(first, at), Math.max(last, at)]
    for (const name of figureNames) if (figures[name] !== undefined) told.add(name)
    const day = at === null ? null : dayOf(at)
    if (requestId !== null) put(byRequest, requestId, { requestId, day, model: model || null }, figures)
    else if (isNothing(figures)) continue
    else if (day === null)
      throw refuse(
        'The export has rows without a request id and without a time.',
        'Name their columns: --time-column, --request-id-column.',
      )
    else {
      if (model === '') unnamed++
      else named++
      put(
        byDay,
        `${day} ${family(model)}`,
        { requestId: null, day, model: model === '' ? null : family(model) },
        figures,
      )
    }
  }
  if (byRequest.size > 0 && byDay.size > 0)
    throw refuse('Some rows of the export have a request id and others have none.', 'Compare them as two files.')
  if (named > 0 && unnamed > 0)
    throw refuse(
      'Some rows of the export name a model and others name none.',
      'Export costs and usage grouped by model.',
    )
  const compared = figureNames.filter((name) => told.has(name))
  if (compared.length === 0)
    throw refuse('No column of the export is known as a figure.', 'Name one, such as --input-tokens-column.')
  const from = options.from ?? Math.floor(first / DAY_MS) * DAY_MS
  const to = options.to ?? Math.floor(last / DAY_MS) * DAY_MS + DAY_MS
  if (!Number.isFinite(from) || !Number.isFinite(to))
    throw refuse('No row of the export lies in a known range of time.', 'Say which days it covers: --from, --to.')
  const by = byRequest.size > 0 ? 'request' : unnamed > 0 ? 'day' : 'day and model'
  return { by, rows: byRequest.size > 0 ? byRequest : byDay, compared, range: { from, to } }
}

/**
 * Compares a provider's export with the ledger: by request id where the rows have one, else by day (UTC) and model.
 * @throws AppError invalid_parameter when the export cannot be read or matched; DatabaseUnavailable
 */
export const reconcile = async (
  database: Database,
  exported: AsyncIterable<ExportRow>,
  options: ReconcileOptions,
): Promise<Reconciliation> => {
  const { by, rows, compared, range } = await collect(exported, options)
  const differences: Difference[] = []
  const counts = { rows: 0, missing: 0, extra: 0, differing: 0 }
  const sums = { ledger: none, provider: none }
  const side = (figures: Figures): Side => Object.fromEntries(compared.map((name) => [name, figures[name]]))

  const agree = (ledger: Figures, provider: Figures): boolean =>
    compared.every((name) => {
      const [low, high] =
        ledger[name] < provider[name] ? [ledger[name], provider[name]] : [provider[name], ledger[name]]
      // The ledger rounds the cost of each call up to a whole nano-USD.
      const rounding = name === 'cost_usd' ? ledger.requests : 0n
      return high - low <= rounding || (high - low) * MILLION <= options.tolerance * high
    })
  const compare = (ledger: Row | undefined, provider: Row | undefined): void => {
    const known = provider ?? ledger
    if (!known) return
    counts.rows++
    sums.ledger = add(sums.ledger, ledger?.figures ?? none)
    sums.provider = add(sums.provider, provider?.figures ?? none)
    if (ledger && provider && agree(ledger.figures, provider.figures)) return
    const what = !ledger ? 'missing' : provider ? 'differing' : 'extra'
    counts[what]++
    if (differences.length === MOST_DIFFERENCES) return
    differences.push({
      what,
      request_id: known.requestId,
      day: known.day,
      model: known.model,
      ledger: ledger ? side(ledger.figures) : null,
      provider: provider ? side(provider.figures) : null,
      estimated: ledger?.estimated ?? 0n,
    })
  }

  if (by === 'request') {
    const wide = { from: range.from - EDGE_MS, to: range.to + EDGE_MS }
    // A caller may give one id to several calls, so that an id has the sum of them, as in the export.
    const found = new Map<string, Row>()
    for await (const call of ledgerCalls(database, options.provider, wide)) {
      const { day, model, requests, input_tokens, output_tokens, cost_nano, estimated } = call
      const figures = { requests, input_tokens, output_tokens, cost_usd: cost_nano }
      const id = [call.client_request_id, call.request_id].find((name) => rows.has(name))
      const known = id === undefined ? undefined : found.get(id)
      if (known) {
        known.figures = add(known.figures, figures)
        known.estimated += estimated
        continue
      }
      const row = { requestId: id ?? call.client_request_id, day, model, figures, estimated }
      const at = call.at.getTime()
      if (id !== undefined) found.set(id, row)
      else if (!isNothing(figures) && at >= range.from && at < range.to) compare(row, undefined)
    }
    for (const [id, row] of rows) compare(found.get(id), row)
  } else {
    const ledger = new Map<string, Row>()
    for (const total of await ledgerTotals(database, options.provider, range)) {
      const model = by === 'day' ? null : family(total.model)
      const figures = { ...total, cost_usd: total.cost_nano }
      if (isNothing(figures)) continue
      const key = `${total.day} ${model ?? ''}`
      const row = ledger.get(key) ?? { requestId: null, day: total.day, model, figures: none, estimated: 0n }
      row.figures = add(row.figures, figures)
      row.estimated += total.estimated
      ledger.set(key, row)
    }
    for (const key of [...new Set([...ledger.keys(), ...rows.keys()])].sort()) compare(ledger.get(key), rows.get(key))
  }
  const ok = counts.missing + counts.extra + counts.differing === 0
  const { ledger, provider } = sums
  return {
    ok,
    provider: options.provider,
    by,
    range,
    compared,
    ...counts,
    differences,
    sums: { ledger, provider: side(provider) },
  }
}
