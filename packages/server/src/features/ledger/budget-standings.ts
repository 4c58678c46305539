import type { BudgetRule } from '@headgate/contract/budgets.ts'
import type { BudgetStanding } from '../../domain/budget-standing.ts'
import type { Caller } from '../../domain/caller.ts'
import type { CallBudget } from '../../domain/hold.ts'
import type { Target } from '../../domain/model.ts'
import { parseUsd } from '../../domain/money.ts'
import type { Database } from '../../kernel/db.ts'
import { accountIdOf, isOfModel, type NamedRule } from './budget-match.ts'
import { type AccountRow, budgetWindowOf } from './budget-rules.store.ts'
import { readStandings, type StandingRow } from './budget-standings.store.ts'
import { asUnavailable } from './leases.store.ts'
import { comesBackAt, isRolling, windowEnd, windowStart } from './windows.ts'

/** When an account has money again: with its next window, or of a rolling one with the oldest part that holds some. */
export const resetsAt = (
  { budget_window: window, oldest }: Pick<AccountRow, 'budget_window' | 'oldest'>,
  now: number,
): number | null => {
  if (!isRolling(window)) return windowEnd(window, windowStart(window, now))
  return oldest && comesBackAt(window, oldest.getTime())
}

/** Why a rule does not hold for a call; null when it does. */
const missOf = (
  { rule }: NamedRule,
  caller: Caller,
  user: string | null,
  targets: readonly Target[],
): string | null => {
  if (rule.project !== undefined && rule.project !== caller.projectId) return `it is for the project ${rule.project}`
  if (rule.key !== undefined && rule.key !== caller.keyId) return `it is for the key ${rule.key}`
  if (rule.user !== undefined && rule.user !== user) return `it is for the user ${rule.user}`
  if (rule.level === 'user' && user === null) return 'no user is named'
  const { model } = rule
  if (model !== undefined && !targets.some(({ name }) => isOfModel(model, name))) return `it is for the model ${model}`
  return null
}

/** The account of a rule that a caller may look at. A subject of null stands for those of every model. */
interface Seen {
  readonly named: NamedRule
  readonly projectId: string
  readonly subject: string | null
}

/**
 * What of a rule a caller may look at: a key that of itself, of its project and of the user it names, a person what counts
 * their own calls and nobody else's.
 */
const seenBy = (caller: Caller, named: NamedRule, givenUser: string | null): Seen | null => {
  const { rule } = named
  const { person, projectId, keyId } = caller
  const user = person ?? givenUser
  if (rule.project !== undefined && rule.project !== projectId) return null
  if (rule.key !== undefined && rule.key !== keyId) return null
  if (rule.user !== undefined && rule.user !== user) return null
  if (person !== null && rule.level !== 'user' && (rule.user === undefined || isShared(rule))) return null
  switch (rule.level) {
    case 'project':
      return { named, projectId, subject: projectId }
    case 'key':
      return { named, projectId, subject: keyId }
    case 'user':
      return user === null ? null : { named, projectId, subject: user }
    case 'model':
      return { named, projectId: rule.project ?? '', subject: rule.model ?? null }
  }
}

/** Whether one account counts the calls of several projects. */
const isShared = ({ level, project }: BudgetRule): boolean => level === 'model' && project === undefined

const standingOf = (row: StandingRow, level: CallBudget['level'], now: number): BudgetStanding => ({
  name: row.rule_name,
  level,
  projectId: row.project_id === '' ? null : row.project_id,
  subject: row.subject,
  soft: row.soft,
  window: row.budget_window,
  limit: row.limit_nano,
  spent: row.spent_nano,
  reserved: row.leased_nano,
  resetsAt: resetsAt(row, now),
})

/** An account that no call has met yet. */
const untouched = (
  { name, rule }: NamedRule,
  projectId: string,
  subject: string | null,
  now: number,
): BudgetStanding => ({
  name,
  level: rule.level,
  projectId: projectId === '' ? null : projectId,
  subject,
  soft: rule.mode === 'soft',
  window: budgetWindowOf(rule),
  limit: parseUsd(rule.limit_usd),
  spent: 0n,
  reserved: 0n,
  resetsAt: resetsAt({ budget_window: budgetWindowOf(rule), oldest: null }, now),
})

/** How the budgets of a call stand, and why others do not hold for it. */
export interface ExplainedBudgets {
  readonly standings: readonly BudgetStanding[]
  readonly notApplied: readonly { readonly name: string; readonly reason: string }[]
}

/** Tells how budgets stand; takes nothing of any. */
export interface BudgetStandings {
  /** In the order in which they are asked. @throws AppError database_unavailable */
  ofCall(caller: Caller, user: string | null, targets: readonly Target[]): Promise<ExplainedBudgets>
  /** Those that a caller may look at; `shared` are those of several projects. @throws AppError database_unavailable */
  ofCaller(
    caller: Caller,
    user: string | null,
  ): Promise<readonly { readonly standing: BudgetStanding; readonly shared: boolean }[]>
}

/** `of` finds the budgets of a call among the rules of `rules`. */
export const createBudgetStandings = (
  database: Database,
  now: () => number,
  rules: () => readonly NamedRule[],
  of: (caller: Caller, user: string | null, targets: readonly Target[]) => readonly CallBudget[],
): BudgetStandings => {
  const read = (ids: readonly string[], inProject: { projectId: string; rules: readonly string[] }) =>
    database
      .read('system', (reading) => readStandings(reading, ids, inProject, now()))
      .catch((cause) => {
        throw asUnavailable(cause)
      })

  return {
    ofCall: async (caller, user, targets) => {
      const budgets = of(caller, user, targets)
      const all = rules()
      const rows = await read(
        budgets.map(({ id }) => id),
        { projectId: '', rules: [] },
      )
      const at = now()
      const standings = budgets.flatMap(({ id, level, rule }): BudgetStanding[] => {
        const row = rows.find((one) => one.id === id)
        if (row) return [{ ...standingOf(row, level, at), ...(rule === null && { subject: caller.keyId }) }]
        const named = all.find(({ name }) => name === rule?.name)
        return named && rule ? [untouched(named, rule.projectId, rule.subject, at)] : []
      })
      const notApplied = all.flatMap((named) => {
        const reason = missOf(named, caller, user, targets)
        return reason === null ? [] : [{ name: named.name, reason }]
      })
      return { standings, notApplied }
    },
    ofCaller: async (caller, user) => {
      const seen = rules().flatMap((named) => seenBy(caller, named, user) ?? [])
      // The budget of a page's key counts the calls of all who open it.
      const ofKey = caller.person === null && caller.budgetId !== null ? [caller.budgetId] : []
      const ids = seen.flatMap(({ named, projectId, subject }) =>
        subject === null ? [] : [accountIdOf(named, projectId, subject)],
      )
      const ofModels = seen.filter(({ named, subject }) => subject === null && !isShared(named.rule))
      const rows = await read([...ofKey, ...ids], {
        projectId: caller.projectId,
        rules: ofModels.map(({ named }) => named.name),
      })
      const at = now()
      const own = rows
        .filter(({ id }) => ofKey.includes(id))
        .map((row) => ({ ...standingOf(row, 'key', at), subject: caller.keyId }))
      return [
        ...own.map((standing) => ({ standing, shared: false })),
        ...seen.flatMap(({ named, projectId, subject }) => {
          const { name, rule } = named
          const shared = isShared(rule)
          const of = rows.filter((row) =>
            subject === null ? !shared && row.rule_name === name : row.id === accountIdOf(named, projectId, subject),
          )
          const standings = of.map((row) => ({ ...standingOf(row, rule.level, at), name }))
          return (standings.length === 0 ? [untouched(named, projectId, subject, at)] : standings).map((standing) => ({
            standing,
            shared,
          }))
        }),
      ]
    },
  }
}
