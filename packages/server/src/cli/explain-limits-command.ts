import { type Explanation, ExplainSchema } from '@headgate/contract/limits.ts'
import type { Command } from 'commander'
import { addressOf } from '../compose/address.ts'
import { loadConfig } from '../config/config.ts'
import { compileCheck } from '../http/schema-check.ts'
import { exchange } from '../kernel/outbound.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { type Output, say, writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

const TIMEOUT_MS = 30_000

/** What a refusal of the server says, in one line. */
const wordsOf = (text: string, status: number): string => {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string }
    return detail ?? title ?? `answered ${status}`
  } catch {
    return `answered ${status}`
  }
}

const write = (output: Output, explanation: Explanation): void => {
  const { allowed, refusal, decides, budget_decides: budget, worst_case_usd: worst, rules, budgets } = explanation
  const ofBudget = budget && `${budget.name ?? 'of the key'} (per ${budget.level}): ${budget.reason}`
  writeRecord(output, explanation, [
    ['allowed', allowed ? 'yes' : `no, ${refusal}`],
    ['limit that decides', decides],
    ['budget that decides', ofBudget],
    ['may cost', worst === null ? null : `${worst} USD`],
  ])
  if (output.json) return
  writeTable(
    output,
    null,
    ['limit', 'unit', 'mode', 'cost', 'limit', 'remaining', 'resets in'],
    rules.map((one) => [one.name, one.unit, one.mode, one.cost, one.limit, one.remaining, `${one.reset_ms} ms`]),
  )
  writeTable(
    output,
    null,
    ['budget', 'level', 'subject', 'mode', 'verdict', 'limit', 'spent', 'reserved', 'remaining', 'resets at'],
    budgets.map((one) => [
      ...[one.name ?? 'of the key', one.level, one.subject, one.mode, one.verdict],
      ...[one.limit_usd, one.spent_usd, one.reserved_usd, one.remaining_usd, one.resets_at],
    ]),
  )
  for (const { name, reason } of [...explanation.not_applied, ...explanation.budgets_not_applied])
    say(output, `${name} does not hold: ${reason}.`)
}

/**
 * Adds `explain` to `headgate limits`. It asks the running server, which alone knows how its limits stand and which models there
 * are.
 */
export const addExplain = (limits: Command): void => {
  addCommonOptions(limits.command('explain'), 'store')
    .description('ask the running server which limits and budgets a call would meet and which decides; takes nothing')
    .requiredOption('--key <id>', 'public id of the key')
    .requiredOption('--model <name>', 'the model')
    .option('--endpoint <name>', 'chat unless told, or embeddings')
    .option('--address <address>', 'from where')
    .option('--user <name>', 'for which end user')
    .option('--max-tokens <count>', 'most tokens of the answer', Number)
    .option('--input-tokens <count>', 'tokens of the input, 1 unless told', Number)
    .option('--url <url>', 'address of the server, by the configuration unless told')
    .action(async (given: Given) => {
      const { key, model, endpoint, address, user, maxTokens, inputTokens } = given
      const named = { key_id: key, model, endpoint, address, user, max_tokens: maxTokens, input_tokens: inputTokens }
      const input = compileCheck(ExplainSchema)(
        Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
      )
      const { config, secrets } = await loadConfig({ flags: storeFlagsOf(given) })
      if (secrets.admin_key === undefined)
        throw new Error('The admin key is not in the configuration. Set HEADGATE_ADMIN_KEY.')
      const base = typeof given['url'] === 'string' ? given['url'].replace(/\/+$/, '') : addressOf(config, config.port)
      const headers = { authorization: `Bearer ${secrets.admin_key.reveal()}`, 'content-type': 'application/json' }
      const { status, text } = await exchange(
        `${base}/admin/v1/limits/explain`,
        { headers, body: JSON.stringify(input) },
        TIMEOUT_MS,
      )
      if (status !== 200) throw new Error(wordsOf(text, status))
      const explanation = JSON.parse(text) as Explanation
      write(outputOf(given), explanation)
      if (!explanation.allowed) process.exitCode = exitCode.failed
    })
}
