import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import type { ColumnChoice, ExportField, Figures } from '../features/ledger/provider-export.ts'
import type { Reconciliation } from '../features/ledger/reconcile.ts'
import { formatUsd } from '../domain/money.ts'
import { AppError } from '../kernel/errors.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { withStore } from './open-store.ts'
import { type Output, say, writeJson, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** A long range has many rows. */
const TIMEOUT_MS = 3_600_000
const DAY_MS = 86_400_000
const PARTS_PER_PERCENT = 10_000

const columnOptions: readonly (readonly [flag: string, option: string, field: ExportField, what: string])[] = [
  ['request-id-column', 'requestIdColumn', 'request_id', 'of the request id'],
  ['time-column', 'timeColumn', 'time', 'of the time or day'],
  ['model-column', 'modelColumn', 'model', 'of the model'],
  ['requests-column', 'requestsColumn', 'requests', 'of the number of requests'],
  [
    'input-tokens-column',
    'inputTokensColumn',
    'input_tokens',
    'of input tokens, cached ones included; several, by commas, are added',
  ],
  ['output-tokens-column', 'outputTokensColumn', 'output_tokens', 'of output tokens; several are added'],
  ['cost-column', 'costColumn', 'cost_usd', 'of the cost in USD; several are added'],
]

const refuse = (location: string, message: string, fix: string, cause?: unknown): AppError =>
  new AppError('invalid_parameter', {
    detail: `${location} ${message}. ${fix}`,
    details: [{ location, message, fix }],
    cause,
  })

const readDay = (flag: string, given: unknown): number | null => {
  if (typeof given !== 'string') return null
  const day = /^\d{4}-\d\d-\d\d$/.test(given) ? Date.parse(given) : Number.NaN
  if (Number.isNaN(day)) throw refuse(flag, 'is no day', 'Write it as 2026-01-31.')
  return day
}

const readTolerance = (given: unknown): bigint => {
  const percent = given === undefined ? 0 : Number(given)
  if (!(percent >= 0 && percent <= 100))
    throw refuse('--tolerance', 'is no percentage', 'Write a number from 0 to 100.')
  return BigInt(Math.round(percent * PARTS_PER_PERCENT))
}

const readColumns = (given: Given): ColumnChoice =>
  Object.fromEntries(
    columnOptions.flatMap(([flag, option, field]) => {
      const names = given[option]
      if (typeof names !== 'string') return []
      const columns = names.split(',').map((name) => name.trim())
      if (columns.includes(''))
        throw refuse(`--${flag}`, 'names no column', 'Write the heading as it stands in the file.')
      return [[field, columns]]
    }),
  )

async function* textOf(path: string): AsyncGenerator<string> {
  try {
    const stream = path === '-' ? process.stdin.setEncoding('utf8') : createReadStream(path, 'utf8')
    for await (const piece of stream) yield String(piece)
  } catch (cause) {
    throw refuse('file', `cannot be read (${(cause as Error).message})`, 'Give a CSV or JSON Lines file.', cause)
  }
}

const figuresJson = (figures: Partial<Figures> | null) =>
  figures &&
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, name === 'cost_usd' ? formatUsd(value) : Number(value)]),
  )

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

const reportJson = ({ range, differences, sums, ...rest }: Reconciliation) => ({
  ...rest,
  from: day(range.from),
  to: day(range.to - 1),
  differences: differences.map(({ ledger, provider, estimated, ...row }) => ({
    ...row,
    ledger: figuresJson(ledger),
    provider_export: figuresJson(provider),
    estimated_requests: Number(estimated),
  })),
  sums: { ledger: figuresJson(sums.ledger), provider_export: figuresJson(sums.provider) },
})

const writeReport = (output: Output, report: Reconciliation): void => {
  const shown = (figures: Partial<Figures> | null) =>
    report.compared.map((name) => {
      const value = figures?.[name]
      return value === undefined ? null : name === 'cost_usd' ? formatUsd(value) : String(value)
    })
  const pairs = (ledger: Partial<Figures> | null, provider: Partial<Figures> | null) => {
    const right = shown(provider)
    return shown(ledger).map((left, index) => `${left ?? '-'} / ${right[index] ?? '-'}`)
  }
  writeTable(
    output,
    null,
    ['row', 'request or day', 'model', ...report.compared.map((name) => `${name} (ledger / export)`), 'estimated'],
    [
      ...report.differences.map((row) => [
        row.what,
        row.request_id ?? row.day,
        row.model,
        ...pairs(row.ledger, row.provider),
        String(row.estimated),
      ]),
      [
        'sum',
        `${day(report.range.from)} to ${day(report.range.to - 1)}`,
        null,
        ...pairs(report.sums.ledger, report.sums.provider),
        null,
      ],
    ],
  )
  const { missing, extra, differing, rows } = report
  if (report.ok) return say(output, `The ledger agrees with the export in ${rows} rows, by ${report.by}.`)
  const listed = report.differences.length
  const more = missing + extra + differing - listed
  say(
    output,
    `Of ${rows} rows, by ${report.by}: ${missing} missing in the ledger, ${extra} extra, ${differing} differing.`,
  )
  if (more > 0) say(output, `${more} more are not listed.`)
}

/** Adds `reconcile` to `headgate ledger`: compares it with a provider's export. */
export const addReconcile = (ledger: Command): void => {
  const command = addCommonOptions(ledger.command('reconcile').argument('<file>'), 'store')
    .description('compare the ledger with a provider’s usage or cost export (CSV or JSON Lines; - for standard input)')
    .requiredOption('--provider <name>', 'the provider of the export, as it is named in the configuration')
    .option('--from <day>', 'first day (UTC), the first of the file unless told')
    .option('--to <day>', 'last day (UTC), the last of the file unless told')
    .option('--tolerance <percent>', 'by how much figures may differ, 0 unless told')
  for (const [flag, , , what] of columnOptions) command.option(`--${flag} <name>`, `column ${what}`)
  command.action(async (path: string, given: Given) => {
    const output = outputOf(given)
    const to = readDay('--to', given['to'])
    const options = {
      provider: String(given['provider']),
      from: readDay('--from', given['from']),
      to: to === null ? null : to + DAY_MS,
      tolerance: readTolerance(given['tolerance']),
    }
    if (options.from !== null && options.to !== null && options.from >= options.to)
      throw refuse('--to', 'is before --from', 'Give the last day of the range.')
    const columns = readColumns(given)
    const { readProviderExport } = await import('../features/ledger/provider-export.ts')
    const { reconcile } = await import('../features/ledger/reconcile.ts')
    const report = await withStore(
      storeFlagsOf(given),
      ({ database }) => reconcile(database, readProviderExport(textOf(path), columns), options),
      { statementTimeoutMs: TIMEOUT_MS },
    )
    if (output.json) writeJson(reportJson(report))
    else writeReport(output, report)
    if (!report.ok) process.exitCode = exitCode.failed
  })
}
