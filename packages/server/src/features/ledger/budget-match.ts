import { createHash } from 'node:crypto'
import type { BudgetRule } from '@headgate/contract/budgets.ts'
import type { Caller } from '../../domain/caller.ts'
import { type CallBudget, noBudgets } from '../../domain/hold.ts'
import type { Target } from '../../domain/model.ts'

/** A rule by its name. */
export interface NamedRule {
  readonly name: string
  readonly rule: BudgetRule
}

/** Finds the budgets of a call among the rules as they stand now. */
export interface BudgetMatch {
  /** Sets all rules; calls under way keep their budgets. */
  replace(rules: readonly NamedRule[]): void
  /** All rules, in the order of their names. */
  rules(): readonly NamedRule[]
  /** Those of a project, and of its key where one is named, that hold whatever is called and for whom. */
  ofAccount(projectId: string, caller: Caller | null): readonly CallBudget[]
  /** All budgets that must have room for a call, that of its key first. */
  of(caller: Caller, user: string | null, targets: readonly Target[]): readonly CallBudget[]
}

const ID_CHARACTERS = 22
const MATCH_CHARACTERS = 8
const MOST_KNOWN_IDS = 20_000

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url')

/** Begin of the ids of a rule's accounts: another one when the rule counts other calls than before. */
export const accountPrefix = ({ name, rule }: NamedRule): string => {
  const { level, project = '', key = '', user = '', model = '' } = rule
  return `${name}:${digest(level, project, key, user, model).slice(0, MATCH_CHARACTERS)}:`
}

/** Id of an account: it tells nothing of whose it is, since it stands in logs and journals. */
const accountId = (prefix: string, projectId: string, subject: string): string =>
  prefix + digest(projectId, subject).slice(0, ID_CHARACTERS)

/** Id of the account that a rule has for a subject. */
export const accountIdOf = (named: NamedRule, projectId: string, subject: string): string =>
  accountId(accountPrefix(named), projectId, subject)

/** The only account that a rule can have, where it says so much; null where each subject has its own. */
export const onlyAccount = ({ name, rule }: NamedRule) => {
  const projectId = rule.project ?? (rule.level === 'model' ? '' : undefined)
  const subject = rule[rule.level]
  if (projectId === undefined || subject === undefined) return null
  return { id: accountIdOf({ name, rule }, projectId, subject), rule: { name, projectId, subject } }
}

/** What the model of a rule and a target have in common. */
export const isOfModel = (model: string, target: string): boolean =>
  model.endsWith('*') ? target.startsWith(model.slice(0, -1)) : model === target

interface Compiled extends NamedRule {
  readonly prefix: string
}

/** Budgets that every call of a caller has, and rules that turn on its user or its model. */
interface OfCaller {
  readonly fixed: readonly CallBudget[]
  readonly varying: readonly Compiled[]
}

/** What of a caller is the same for all calls is found once and kept as long as the caller and the rules are. */
export const createBudgetMatch = (): BudgetMatch => {
  let rules: readonly Compiled[] = []
  let known = new WeakMap<Caller, OfCaller>()
  let ids = new Map<string, string>()

  const idOf = (prefix: string, projectId: string, subject: string): string => {
    const name = `${prefix}${projectId}\0${subject}`
    let id = ids.get(name)
    if (id === undefined) {
      if (ids.size >= MOST_KNOWN_IDS) ids = new Map()
      ids.set(name, (id = accountId(prefix, projectId, subject)))
    }
    return id
  }

  const account = (
    { name, rule, prefix }: Compiled,
    projectId: string,
    subject: string,
    targets: readonly string[] | null,
  ): CallBudget => ({
    id: idOf(prefix, projectId, subject),
    level: rule.level,
    rule: { name, projectId, subject },
    soft: rule.mode === 'soft',
    targets,
  })

  /** A caller of null is a project without any key. */
  const find = (projectId: string, caller: Caller | null): OfCaller => {
    const own = rules.filter(
      ({ rule }) =>
        (rule.project === undefined || rule.project === projectId) &&
        (rule.key === undefined || rule.key === caller?.keyId),
    )
    const varies = ({ rule }: Compiled) =>
      rule.level === 'user' || rule.level === 'model' || rule.user !== undefined || rule.model !== undefined
    const fixed: CallBudget[] = []
    if (caller !== null && caller.budgetId !== null)
      fixed.push({ id: caller.budgetId, level: 'key', rule: null, soft: false, targets: null })
    for (const compiled of own) {
      if (varies(compiled)) continue
      if (compiled.rule.level === 'project') fixed.push(account(compiled, projectId, projectId, null))
      else if (caller !== null) fixed.push(account(compiled, projectId, caller.keyId, null))
    }
    return { fixed, varying: own.filter(varies) }
  }

  const vary = (compiled: Compiled, caller: Caller, user: string | null, targets: readonly Target[]): CallBudget[] => {
    const { rule } = compiled
    if (rule.user !== undefined && rule.user !== user) return []
    const { model } = rule
    const reached = targets.filter(({ name }) => model === undefined || isOfModel(model, name)).map(({ name }) => name)
    if (reached.length === 0) return []
    const borne = reached.length === targets.length ? null : reached
    switch (rule.level) {
      case 'user':
        return user === null ? [] : [account(compiled, caller.projectId, user, borne)]
      case 'model': {
        const projectId = rule.project ?? ''
        if (model !== undefined) return [account(compiled, projectId, model, borne)]
        return reached.map((name) => account(compiled, projectId, name, targets.length === 1 ? null : [name]))
      }
      case 'project':
        return [account(compiled, caller.projectId, caller.projectId, borne)]
      case 'key':
        return [account(compiled, caller.projectId, caller.keyId, borne)]
    }
  }

  return {
    replace: (next) => {
      rules = next.map((named) => ({ ...named, prefix: accountPrefix(named) }))
      known = new WeakMap()
      ids = new Map()
    },
    rules: () => rules,
    ofAccount: (projectId, caller) => find(projectId, caller).fixed,
    of: (caller, user, targets) => {
      if (rules.length === 0 && caller.budgetId === null) return noBudgets
      let found = known.get(caller)
      if (found === undefined) known.set(caller, (found = find(caller.projectId, caller)))
      if (found.varying.length === 0) return found.fixed
      return [...found.fixed, ...found.varying.flatMap((compiled) => vary(compiled, caller, user, targets))]
    },
  }
}
