import { readFileSync } from 'node:fs'
import { type PolicyInput, PolicySchema, policyNamePattern } from '@headgate/contract/limits.ts'
import { Command } from 'commander'
import { Type } from 'typebox'
import { parse } from 'yaml'
import { policyProblems } from '../domain/policy-problems.ts'
import { compileCheck } from '../http/schema-check.ts'
import { AppError } from '../kernel/errors.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { addExplain } from './explain-limits-command.ts'
import { operator, withLimits } from './operator.ts'
import { withStore } from './open-store.ts'
import { say, writeJson, writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** A long range has many rows. */
const REPLAY_TIMEOUT_MS = 3_600_000
const WEEK_MS = 7 * 86_400_000

const policiesSchema = Type.Record(Type.String({ pattern: policyNamePattern }), PolicySchema, {
  additionalProperties: false,
})

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

const readYaml = (path: string): unknown => {
  try {
    return parse(readFileSync(path === '-' ? 0 : path, 'utf8'))
  } catch (cause) {
    throw refuse('file', `cannot be read (${(cause as Error).message.split('\n')[0]})`, 'Give a YAML or JSON file.')
  }
}

/** Policies by name: the file itself, or what stands in it under `limits.policies`. */
const readPolicies = (path: string): Readonly<Record<string, PolicyInput>> => {
  const found = readYaml(path) as { limits?: { policies?: unknown }; policies?: unknown } | null
  const policies = compileCheck(policiesSchema)(found?.limits?.policies ?? found?.policies ?? found) as Record<
    string,
    PolicyInput
  >
  for (const [name, policy] of Object.entries(policies))
    for (const { location, message, fix } of policyProblems(policy)) throw refuse(`${name}.${location}`, message, fix)
  return policies
}

const readTime = (name: string, given: unknown, otherwise: number): number => {
  if (typeof given !== 'string') return otherwise
  const time = Date.parse(given)
  if (Number.isNaN(time)) throw refuse(name, 'is no time', 'Write it as 2026-01-31T00:00:00Z.')
  return time
}

const addSimulate = (limits: Command): void => {
  addCommonOptions(limits.command('simulate').argument('<file>'), 'store')
    .description('play the calls of the ledger against policies in a file: who would have been refused')
    .option('--from <time>', 'first time, a week ago unless told')
    .option('--to <time>', 'end, now unless told')
    .action(async (path: string, options: Given) => {
      const output = outputOf(options)
      const now = Date.now()
      const policies = readPolicies(path)
      const to = readTime('--to', options['to'], now)
      const range = { from: readTime('--from', options['from'], to - WEEK_MS), to }
      const { simulateOnLedger } = await import('./simulate-limits.ts')
      const result = await withStore(
        storeFlagsOf(options),
        ({ database }) => simulateOnLedger(database, policies, range),
        { statementTimeoutMs: REPLAY_TIMEOUT_MS },
      )
      if (output.json) {
        writeJson(result)
        return
      }
      const share = (part: number, whole: number): string =>
        whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`
      say(output, `${result.calls} calls, ${result.refused} of them refused (${share(result.refused, result.calls)}).`)
      writeTable(
        output,
        result,
        ['policy', 'calls', 'refused', 'share', 'keys most refused'],
        result.policies.map((one) => [
          one.name,
          one.calls,
          one.refused,
          share(one.refused, one.calls),
          one.keys.map(({ key, refused }) => `${key} (${refused})`).join(', '),
        ]),
      )
      for (const { name, reason } of result.not_simulated) say(output, `${name} is not simulated: ${reason}.`)
    })
}

/** `headgate limits list | set | remove | access | explain | simulate`. */
export const limitsCommand = (): Command => {
  const limits = new Command('limits').description('limits as data, and who may call at all')
  addCommonOptions(limits.command('list'), 'store')
    .description('list the limits, those of the configuration included')
    .action(async (options: Given) => {
      const data = await withLimits(storeFlagsOf(options), ({ list }) => list())
      writeTable(
        outputOf(options),
        { object: 'list', data },
        ['name', 'source', 'unit', 'limit', 'window', 'per', 'mode'],
        data.map(({ name, source, policy }) => [
          name,
          source,
          policy.unit,
          policy.limit_usd ?? policy.limit ?? null,
          policy.unit === 'concurrent' ? null : `${policy.window_seconds ?? 60} s`,
          policy.per?.join(',') ?? 'everybody',
          policy.mode ?? 'enforce',
        ]),
      )
    })
  addCommonOptions(limits.command('set').argument('<name>').argument('<file>'), 'store')
    .description('set a limit from a YAML or JSON file; - for standard input')
    .action(async (name: string, path: string, options: Given) => {
      if (!new RegExp(policyNamePattern).test(name))
        throw refuse('name', 'is no possible name', 'Use a-z, 0-9, _ and -, at most 64.')
      const input = compileCheck(PolicySchema)(readYaml(path)) as PolicyInput
      const set = await withLimits(storeFlagsOf(options), ({ put }) => put(name, input, operator))
      writeRecord(outputOf(options), set, [
        ['name', set.name],
        ['policy', JSON.stringify(set.policy)],
      ])
    })
  addCommonOptions(limits.command('remove').argument('<name>'), 'store')
    .description('take a limit away')
    .action(async (name: string, options: Given) => {
      const output = outputOf(options)
      await withLimits(storeFlagsOf(options), ({ remove }) => remove(name, operator))
      if (output.json) writeJson({ object: 'limit_policy', name, deleted: true })
      else say(output, `The limit ${name} is removed.`)
    })
  addCommonOptions(limits.command('access'), 'store')
    .description('show who may call at all, by address and country')
    .action(async (options: Given) => {
      const access = await withLimits(storeFlagsOf(options), (service) => service.access())
      writeRecord(outputOf(options), access, [
        ['default', access.default],
        ['allow', access.allow.join(',')],
        ['deny', access.deny.join(',')],
        ['allow_countries', access.allow_countries.join(',')],
        ['deny_countries', access.deny_countries.join(',')],
      ])
    })
  addExplain(limits)
  addSimulate(limits)
  return limits
}
