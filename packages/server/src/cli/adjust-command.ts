import { type CreateAdjustment, CreateAdjustmentSchema } from '@headgate/contract/adjustments.ts'
import type { Command } from 'commander'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { operator, withAdjustments } from './operator.ts'
import { writeRecord } from './output.ts'

type Given = Record<string, unknown>

/** Adds `adjust` to `headgate ledger`: charges or credits a key or a project. */
export const addAdjust = (ledger: Command): void => {
  addCommonOptions(ledger.command('adjust'), 'store')
    .description('charge a key or a project, or credit it with a negative amount')
    .option('--key <id>', 'the key, and its budget')
    .option('--project <id>', 'the project, where it is of no single key')
    .requiredOption('--amount-usd <amount>', 'decimal USD: positive charges, negative credits')
    .requiredOption('--reason <text>', 'why, for the ledger and the audit')
    .option('--reference <text>', 'your own name for it; given again, nothing is added twice')
    .action(async (given: Given) => {
      const named = { key_id: given['key'], project: given['project'], reference: given['reference'] }
      const input = compileCheck(CreateAdjustmentSchema)({
        amount_usd: given['amountUsd'],
        reason: given['reason'],
        ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
      })
      const made = await withAdjustments(storeFlagsOf(given), ({ add }) => add(input as CreateAdjustment, operator))
      writeRecord(outputOf(given), made, [
        ['id', made.id],
        ['project', made.project],
        ['key', made.key_id],
        ['amount', made.amount_usd],
        ['budget window', made.budget_window],
      ])
    })
}
