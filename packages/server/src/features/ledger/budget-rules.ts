import { type Budget, type BudgetRule, budgetNamePattern } from '@headgate/contract/budgets.ts'
import { budgetProblems } from '../../domain/budget-problems.ts'
import { formatUsd } from '../../domain/money.ts'
import type { Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { createFollower } from '../../kernel/follower.ts'
import { type AlertRow, readAlerts } from './budget-alerts.store.ts'
import { accountPrefix, createBudgetMatch, onlyAccount } from './budget-match.ts'
import type { BudgetOperator, BudgetRules, BudgetRulesOptions } from './budget-rules.ports.ts'
import {
  type AccountRow,
  deleteRule,
  makeAccount,
  raiseRevision,
  readAccounts,
  readRevision,
  readRules,
  type RuleRow,
  writeRule,
} from './budget-rules.store.ts'
import { createBudgetStandings, resetsAt } from './budget-standings.ts'
import { budgetRoutes } from './budgets.routes.ts'
import { asUnavailable } from './leases.store.ts'

const MOST_RULES = 200
const ACCOUNTS_LISTED = 10
const ACCOUNTS_SHOWN = 100
const nameFits = new RegExp(budgetNamePattern)

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

const unknown = () => new AppError('resource_not_found', { detail: 'There is no budget by this name.' })

const isSame = (one: BudgetRule, other: BudgetRule): boolean => {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof BudgetRule>
  return [...names].every((name) => one[name] === other[name])
}

const viewAlert = (row: AlertRow): Budget['alerts'][number] => ({
  threshold: row.kind,
  project: row.project_id === '' ? null : row.project_id,
  subject: row.subject,
  window_start: row.window_start.toISOString(),
  limit_usd: formatUsd(row.limit_nano),
  spent_usd: formatUsd(row.spent_nano),
  forecast_usd: row.forecast_nano === null ? null : formatUsd(row.forecast_nano),
  raised_at: row.raised_at.toISOString(),
})

const viewAccount = (row: AccountRow, now: number): Budget['accounts'][number] => {
  const left = row.limit_nano - row.spent_nano - row.leased_nano
  const end = resetsAt(row, now)
  return {
    project: row.project_id === '' ? null : row.project_id,
    subject: row.subject,
    spent_usd: formatUsd(row.spent_nano),
    reserved_usd: formatUsd(row.leased_nano),
    remaining_usd: formatUsd(left > 0n ? left : 0n),
    resets_at: end === null ? null : new Date(end).toISOString(),
  }
}

/**
 * Budgets as data, which the configuration states and operators set while Headgate runs: kept in PostgreSQL, in effect on
 * every replica within 5 seconds.
 */
export const createBudgetRules = (options: BudgetRulesOptions): BudgetRules & Feature => {
  const { database, clock, audit } = options
  const match = createBudgetMatch()
  let seen = -1n

  const follower = createFollower({
    clock,
    log: options.log,
    component: 'ledger',
    what: 'budgets',
    look: async () => {
      const found = await database.read('system', async (read) => {
        const revision = await readRevision(read)
        return revision === seen ? null : { revision, rules: await readRules(read) }
      })
      if (found === null) return
      match.replace(found.rules)
      seen = found.revision
    },
  })

  const change = async (work: (transaction: Transaction) => Promise<void>): Promise<void> => {
    await database
      .transaction('system', async (transaction) => {
        await raiseRevision(transaction)
        await work(transaction)
      })
      .catch((cause) => {
        throw asUnavailable(cause)
      })
    await follower.refreshQuietly()
  }

  const write = async (transaction: Transaction, row: RuleRow) => {
    await writeRule(transaction, row, accountPrefix(row), new Date(clock.now()))
    const only = onlyAccount(row)
    if (only) await makeAccount(transaction, only.id, only.rule)
  }

  const view = async (rows: readonly RuleRow[], most: number): Promise<Budget[]> => {
    const now = clock.now()
    const names = rows.map(({ name }) => name)
    const { accounts, alerts } = await database.read('system', async (read) => ({
      accounts: await readAccounts(read, names, now, most + 1),
      alerts: await readAlerts(read, names, most),
    }))
    return rows.map(({ name, source, rule }) => {
      const own = accounts.filter((account) => account.rule_name === name)
      return {
        object: 'budget',
        name,
        source,
        rule,
        accounts: own.slice(0, most).map((row) => viewAccount(row, now)),
        has_more: own.length > most,
        alerts: alerts.filter((alert) => alert.rule_name === name).map(viewAlert),
      }
    })
  }

  const list: BudgetRules['list'] = async () => view(await database.read('system', readRules), ACCOUNTS_LISTED)

  const get: BudgetRules['get'] = async (name) => {
    const rows = await database.read('system', readRules)
    const [found] = await view(
      rows.filter((row) => row.name === name),
      ACCOUNTS_SHOWN,
    )
    if (!found) throw unknown()
    return found
  }

  const notConfigured = (row: RuleRow | undefined): void => {
    if (row?.source === 'configuration')
      throw refuse('name', 'is a budget of the configuration', 'Change budgets there, or choose another name.')
  }

  const put: BudgetRules['put'] = async (name, rule, operator: BudgetOperator) => {
    if (!nameFits.test(name))
      throw refuse('name', 'must be 1 to 64 of a-z, 0-9, _ and -', 'Choose another name, such as "web-monthly".')
    const [problem] = budgetProblems(rule)
    if (problem) throw refuse(problem.location, problem.message, problem.fix)
    await change(async (transaction) => {
      const all = await readRules(transaction)
      const before = all.find((row) => row.name === name)
      notConfigured(before)
      if (!before && all.length >= MOST_RULES)
        throw refuse('name', `would be budget ${MOST_RULES + 1}`, 'Remove one, or widen another.')
      await write(transaction, { name, rule, source: 'operator' })
      await audit.record(transaction, {
        ...operator,
        action: before ? 'budget.updated' : 'budget.created',
        resource: `budget/${name}`,
        ...(before && { before: before.rule }),
        after: rule,
      })
    })
    return get(name)
  }

  const remove: BudgetRules['remove'] = (name, operator: BudgetOperator) =>
    change(async (transaction) => {
      const before = (await readRules(transaction)).find((row) => row.name === name)
      if (!before) throw unknown()
      notConfigured(before)
      await deleteRule(transaction, name)
      await audit.record(transaction, {
        ...operator,
        action: 'budget.deleted',
        resource: `budget/${name}`,
        before: before.rule,
      })
    })

  const configure: BudgetRules['configure'] = async (configured) => {
    const differs = (all: readonly RuleRow[]) => {
      const stated = Object.entries(configured)
      const stale = all.filter(({ name, source }) => source === 'configuration' && !Object.hasOwn(configured, name))
      const changed = stated.filter(([name, rule]) => {
        const row = all.find((one) => one.name === name)
        return row?.source !== 'configuration' || !isSame(row.rule, rule)
      })
      return { stale, changed }
    }
    const { stale, changed } = differs(await database.read('system', readRules))
    if (stale.length + changed.length === 0) return
    await change(async (transaction) => {
      const now = differs(await readRules(transaction))
      for (const { name } of now.stale) await deleteRule(transaction, name)
      for (const [name, rule] of now.changed) await write(transaction, { name, rule, source: 'configuration' })
    })
  }

  return {
    name: 'budgets',
    routes: budgetRoutes({ list, get, put, remove }),
    of: match.of,
    standings: createBudgetStandings(database, clock.now, match.rules, match.of),
    ofAccount: async (projectId, caller) => {
      await follower.refresh().catch((cause) => {
        throw asUnavailable(cause)
      })
      return match.ofAccount(projectId, caller)
    },
    list,
    get,
    put,
    remove,
    configure,
    start: async () => {
      await configure(options.configured)
      await follower.start()
    },
    stop: follower.stop,
  }
}
