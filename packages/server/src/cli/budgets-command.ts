import { type Budget, type BudgetRule, BudgetRuleSchema } from '@headgate/contract/budgets.ts'
import { Command } from 'commander'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { operator, withBudgets } from './operator.ts'
import { say, writeJson, writeRecord, writeTable } from './output.ts'
import { rateLine, type Shown } from './shown-currency.ts'

type Given = Record<string, unknown>

/** For whom a budget holds, in a word or two. */
const heldFor = ({ project, key, user, model }: BudgetRule): string =>
  [project, key, user, model].filter((name) => name !== undefined).join(' ') || 'all'

const windowWords = ({ window, rolling, mode }: BudgetRule): string =>
  [window, ...(rolling ? ['rolling'] : []), ...(mode === 'soft' ? ['soft'] : [])].join(' ')

const writeBudget = (given: Given, budget: Budget, shown: Shown): void => {
  const { name, source, rule, accounts } = budget
  const output = outputOf(given)
  writeRecord(output, shown.json(budget), [
    ['name', name],
    ['source', source],
    ['level', rule.level],
    ['for', heldFor(rule)],
    ['limit', `${rule.limit_usd} USD, ${windowWords(rule)}`],
    ...rateLine(shown),
  ])
  if (output.json || accounts.length === 0) return
  writeTable(
    output,
    budget,
    ['project', 'subject', 'spent', 'reserved', 'remaining', 'resets at'],
    accounts.map((one) => [
      one.project,
      one.subject,
      shown.text(one.spent_usd),
      shown.text(one.reserved_usd),
      shown.text(one.remaining_usd),
      one.resets_at,
    ]),
  )
}

/** `headgate budgets list | show | set | remove`. */
export const budgetsCommand = (): Command => {
  const budgets = new Command('budgets').description('what projects, users, keys and models may spend')
  addCommonOptions(budgets.command('list'), 'store')
    .description('list the budgets, those of the configuration included')
    .action(async (given: Given) => {
      const { data, shown } = await withBudgets(storeFlagsOf(given), async ({ list }, currency) => ({
        data: await list(),
        shown: currency,
      }))
      writeTable(
        outputOf(given),
        shown.json({ object: 'list', data }),
        ['name', 'source', 'level', 'for', 'limit', 'window', 'most spent'],
        data.map(({ name, source, rule, accounts: [first] }) => [
          name,
          source,
          rule.level,
          heldFor(rule),
          rule.limit_usd,
          windowWords(rule),
          first ? `${first.subject} ${shown.text(first.spent_usd)}` : null,
        ]),
      )
    })
  addCommonOptions(budgets.command('show').argument('<name>'), 'store')
    .description('show a budget and how its accounts stand')
    .action(async (name: string, given: Given) => {
      await withBudgets(storeFlagsOf(given), async ({ get }, shown) => writeBudget(given, await get(name), shown))
    })
  addCommonOptions(budgets.command('set').argument('<name>'), 'store')
    .description('set a budget; what was spent stays spent')
    .requiredOption('--level <level>', 'whose money it counts: project, user, key or model')
    .requiredOption('--limit-usd <amount>', 'decimal USD that each of them has per window')
    .requiredOption('--window <window>', 'hour, day, month (UTC) or total')
    .option('--rolling', 'the window ends now, instead of following the calendar')
    .option('--soft', 'refuse nobody: flag what goes beyond it')
    .option('--project <id>', 'for one project')
    .option('--key <id>', 'for one key')
    .option('--user <name>', 'for one end user')
    .option('--model <name>', 'for one model, or several with a * at the end')
    .action(async (name: string, given: Given) => {
      const { project, key, user, model, rolling } = given
      const named = { project, key, user, model, rolling, mode: given['soft'] ? 'soft' : undefined }
      const rule = compileCheck(BudgetRuleSchema)({
        level: given['level'],
        limit_usd: given['limitUsd'],
        window: given['window'],
        ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
      }) as BudgetRule
      await withBudgets(storeFlagsOf(given), async ({ put }, shown) =>
        writeBudget(given, await put(name, rule, operator), shown),
      )
    })
  addCommonOptions(budgets.command('remove').argument('<name>'), 'store')
    .description('take a budget away; its entries stay in the ledger')
    .action(async (name: string, given: Given) => {
      const output = outputOf(given)
      await withBudgets(storeFlagsOf(given), ({ remove }) => remove(name, operator))
      if (output.json) writeJson({ object: 'budget', name, deleted: true })
      else say(output, `The budget ${name} is removed.`)
    })
  return budgets
}
