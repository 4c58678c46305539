import { Command } from 'commander'
import { addAdjust } from './adjust-command.ts'
import { addCommonOptions, storeFlagsOf, outputOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { withStore } from './open-store.ts'
import { say, writeJson, writeTable } from './output.ts'
import { addRecompute } from './recompute-command.ts'
import { addReconcile } from './reconcile-command.ts'

type Given = Record<string, unknown>

/** The rules read every row of the ledger. */
const VERIFY_TIMEOUT_MS = 3_600_000

/** `headgate migrate`: brings the database to this version's schema. */
export const migrateCommand = (): Command =>
  addCommonOptions(new Command('migrate'), 'store')
    .description('bring the database to this version')
    .action(async (given: Given) => {
      const output = outputOf(given)
      const applied = await withStore(storeFlagsOf(given), async ({ migrated }) => migrated)
      writeTable(
        output,
        { applied },
        ['applied'],
        applied.map((name) => [name]),
      )
      if (applied.length === 0 && output.terminal) say(output, 'The database is up to date.')
    })

/** `headgate ledger verify | reconcile | adjust | recompute`: whether the accounts add up and agree with a provider’s, and what corrects them. */
export const ledgerCommand = (): Command => {
  const ledger = new Command('ledger').description('the accounts')
  addCommonOptions(ledger.command('verify'), 'store')
    .description('check that the accounts add up; fails when they do not')
    .action(async (given: Given) => {
      const output = outputOf(given)
      const { verifyLedger } = await import('../features/ledger/verify.ts')
      const report = await withStore(storeFlagsOf(given), ({ database }) => verifyLedger(database), {
        statementTimeoutMs: VERIFY_TIMEOUT_MS,
      })
      if (output.json) writeJson(report)
      else for (const finding of report.findings) say(output, finding)
      if (!report.ok) process.exitCode = exitCode.failed
      else say(output, 'The ledger is clean.')
    })
  addReconcile(ledger)
  addAdjust(ledger)
  addRecompute(ledger)
  return ledger
}
