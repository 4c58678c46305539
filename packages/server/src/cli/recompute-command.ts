import { readFileSync } from 'node:fs'
import {
  type GivenPrices,
  GivenPricesSchema,
  type Recomputation,
  type RecomputeInput,
  RecomputeSchema,
} from '@headgate/contract/recompute.ts'
import type { Command } from 'commander'
import { parse } from 'yaml'
import { formatUsd, parseUsd } from '../domain/money.ts'
import { compileCheck } from '../http/schema-check.ts'
import { AppError } from '../kernel/errors.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { operator, withRecompute } from './operator.ts'
import { type Output, say, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** Prices by model: the file itself, or what stands in it under `models`. */
const readPrices = (path: string): GivenPrices => {
  let found: { models?: unknown } | null
  try {
    found = parse(readFileSync(path === '-' ? 0 : path, 'utf8')) as { models?: unknown } | null
  } catch (cause) {
    const message = `cannot be read (${(cause as Error).message.split('\n')[0]})`
    const fix = 'Give a YAML or JSON file.'
    throw new AppError('invalid_parameter', {
      detail: `--price-file ${message}. ${fix}`,
      details: [{ location: '--price-file', message, fix }],
      cause,
    })
  }
  return compileCheck(GivenPricesSchema)(found?.models ?? found) as GivenPrices
}

const write = (output: Output, report: Recomputation): void => {
  const { data, examples, applied } = report
  writeTable(
    output,
    report,
    ['model', 'calls', 'differ', 'no price', 'undetermined', 'before', 'after', 'difference'],
    data.map((one) => [
      ...[one.model, one.calls, one.corrected, one.unpriced, one.undetermined],
      ...[one.before_usd, one.after_usd, one.difference_usd],
    ]),
  )
  if (output.json) return
  if (output.terminal && examples.length > 0)
    writeTable(
      output,
      null,
      ['call', 'model', 'at', 'before', 'after', 'price', 'new price'],
      examples.map((one) => [
        ...[one.id, one.model, one.created_at, one.before_usd, one.after_usd, one.price_version, one.new_price_version],
      ]),
    )
  const differ = data.reduce((sum, { corrected }) => sum + corrected, 0)
  const amount = formatUsd(data.reduce((sum, one) => sum + parseUsd(one.difference_usd), 0n))
  if (differ === 0) say(output, 'Every call costs what its price says.')
  else if (applied) say(output, `${differ} calls were corrected by ${amount} USD in all.`)
  else say(output, `${differ} calls differ by ${amount} USD in all. Nothing is written: add --apply to correct them.`)
}

/** Adds `recompute` to `headgate ledger`: prices calls anew after a wrong price. */
export const addRecompute = (ledger: Command): void => {
  addCommonOptions(ledger.command('recompute'), 'store')
    .description('price calls anew after a wrong price; says what differs, and writes corrections with --apply')
    .requiredOption('--from <time>', 'first time, or day (UTC)')
    .requiredOption('--to <time>', 'end, itself excluded')
    .option('--model <name>', 'of this model only, or of several with a * at the end')
    .option('--price-file <file>', 'prices in the place of the configured ones: YAML or JSON as under `models`')
    .option('--reason <text>', 'why, for the rows and the audit')
    .option('--apply', 'write the corrections')
    .action(async (given: Given) => {
      const { from, to, model, reason, apply, priceFile } = given
      const prices = typeof priceFile === 'string' ? readPrices(priceFile) : undefined
      const named = { from, to, model, reason, apply, prices }
      const input = compileCheck(RecomputeSchema)(
        Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
      ) as RecomputeInput
      const report = await withRecompute(storeFlagsOf(given), ({ run }) =>
        run(input, operator, Number.MAX_SAFE_INTEGER),
      )
      write(outputOf(given), report)
    })
}
