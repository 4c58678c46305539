import { ConfigFaults } from '../config/faults.ts'
import { AppError } from '../kernel/errors.ts'
import { exitCode } from './exit-codes.ts'

/** How a command answers: JSON when asked, aligned for a person at a terminal, tab-separated lines for a program. */
export interface Output {
  readonly json: boolean
  readonly terminal: boolean
}

type Cell = string | number | null | undefined

const write = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

// What others named (keys, projects) must neither move the cursor nor break the columns.
const printable = (cell: Cell): string =>
  cell === null || cell === undefined || cell === '' ? '-' : String(cell).replace(/\p{Cc}+/gu, ' ')

/** Writes one JSON document. */
export const writeJson = (value: unknown): void => write(JSON.stringify(value, null, 2))

/** Writes one thing as name and value, a line each; JSON when asked. */
export const writeRecord = (output: Output, value: unknown, fields: readonly (readonly [string, Cell])[]): void => {
  if (output.json) return writeJson(value)
  const width = Math.max(...fields.map(([name]) => name.length))
  for (const [name, cell] of fields)
    write(output.terminal ? `${name.padEnd(width)}  ${printable(cell)}` : `${name}\t${printable(cell)}`)
}

/** Writes a table: with a heading for a person, bare lines for a program, JSON when asked. */
export const writeTable = (
  output: Output,
  value: unknown,
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
): void => {
  if (output.json) return writeJson(value)
  const lines = rows.map((row) => row.map(printable))
  if (!output.terminal) {
    for (const line of lines) write(line.join('\t'))
    return
  }
  const all = [heading.map((name) => name.toUpperCase()), ...lines]
  const widths = heading.map((_, column) => Math.max(...all.map((line) => (line[column] ?? '').length)))
  for (const line of all)
    write(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** Writes a sentence for a person; silent with --json, where the document says it. */
export const say = (output: Output, sentence: string): void => {
  if (!output.json) write(sentence)
}

const codeOf = (cause: unknown): number => {
  if (cause instanceof ConfigFaults) return exitCode.configuration
  if (cause instanceof AppError) {
    if (cause.status === 404) return exitCode.notFound
    return cause.status === 503 ? exitCode.unavailable : exitCode.failed
  }
  const name = cause instanceof Error ? cause.name : ''
  if (name === 'WorkersFailed') return exitCode.workersFailed
  return ['FolderInUse', 'EmbeddedUnavailable', 'DatabaseUnavailable', 'DatabaseRefused'].includes(name)
    ? exitCode.unavailable
    : exitCode.failed
}

/** Says on standard error what went wrong, in words, and returns the exit status. */
export const writeFailure = (output: Output, cause: unknown): number => {
  const code = codeOf(cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  if (output.json) {
    const details = cause instanceof AppError ? (cause.options.details ?? []) : []
    const faults = cause instanceof ConfigFaults ? cause.faults : undefined
    const slug = cause instanceof AppError ? cause.code : undefined
    process.stderr.write(
      `${JSON.stringify({ error: { message, code: slug, details, faults, exit_code: code } }, null, 2)}\n`,
    )
  } else process.stderr.write(`headgate: ${message}\n`)
  return code
}
