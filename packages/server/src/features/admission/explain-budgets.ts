import type { Explanation } from '@headgate/contract/limits.ts'
import { type BudgetStanding, remainingOf, viewStanding } from '../../domain/budget-standing.ts'
import type { Caller } from '../../domain/caller.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { formatUsd, type NanoUsd } from '../../domain/money.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AdmissionPorts } from './admission.ports.ts'
import { boundCost } from './worst-case.ts'

type Verdict = Explanation['budgets'][number]['verdict']

/** What is asked of the budgets. */
export interface BudgetQuestion {
  readonly caller: Caller
  readonly user: string | null
  readonly targets: readonly Target[]
  readonly inputTokens: number
  /** null: the call names none, and the cap of its model or tier counts. */
  readonly maxOutputTokens: number | null
  readonly tierCap: number | null
  readonly operation: InferenceRequest['operation']
}

type Told = Pick<Explanation, 'worst_case_usd' | 'budget_decides' | 'budgets' | 'budgets_not_applied'>

const verdictOf = (standing: BudgetStanding, worstCase: NanoUsd | null): Verdict => {
  // What costs nothing needs no room, and without a price only soft budgets hold.
  if (worstCase === null || worstCase === 0n) return 'fits'
  const unspent = standing.limit - standing.spent
  if (worstCase > unspent) return standing.soft ? 'flags' : 'refuses'
  return worstCase > unspent - standing.reserved && !standing.soft ? 'depends' : 'fits'
}

const reasonOf = (standing: BudgetStanding, verdict: Verdict, worstCase: NanoUsd | null, count: number): string => {
  const { limit, spent, reserved } = standing
  const call = worstCase === null ? 'no price is known' : `the call may cost ${formatUsd(worstCase)} USD`
  const state = `${formatUsd(spent)} of ${formatUsd(limit)} USD is spent`
  switch (verdict) {
    case 'refuses':
      return `${state}, and ${call}`
    case 'flags':
      return `${state}, and ${call}; it is soft and refuses nobody`
    case 'depends':
      return `${state}, ${formatUsd(reserved)} is reserved, and ${call}: it fits once reserved money comes back`
    case 'fits':
      return count === 1 ? 'it is the only one' : `it has the least left of ${count}`
  }
}

const leastLeft = <Judged extends { readonly standing: BudgetStanding }>(
  judged: readonly Judged[],
): Judged | undefined =>
  judged.reduce<Judged | undefined>(
    (least, one) => (least && remainingOf(least.standing) <= remainingOf(one.standing) ? least : one),
    undefined,
  )

/** The one that refuses; else of those that could, then of all, the one with the least left. */
const decidingOf = <Judged extends { readonly standing: BudgetStanding; readonly verdict: Verdict }>(
  judged: readonly Judged[],
): Judged | undefined =>
  judged.find(({ verdict }) => verdict === 'refuses') ??
  leastLeft(judged.filter(({ verdict }) => verdict === 'depends')) ??
  leastLeft(judged.filter(({ standing }) => !standing.soft)) ??
  leastLeft(judged)

/** Says how the budgets of a call stand, which decides and why, and with which code its money would be refused. */
export const createBudgetExplain =
  (ports: Pick<AdmissionPorts, 'budgetStandings' | 'priceOf' | 'worstCase' | 'requiresOutputCap' | 'clock'>) =>
  async (question: BudgetQuestion): Promise<{ readonly refusal: string | null; readonly told: Told }> => {
    const { caller, user, targets, operation, inputTokens, maxOutputTokens, tierCap } = question
    const { standings, notApplied } = await ports.budgetStandings(caller, user, targets)
    const request: InferenceRequest = {
      operation,
      model: '',
      stream: false,
      includeUsage: false,
      maxOutputTokens,
      choices: 1,
      inputTokensBound: inputTokens,
      hasFiles: false,
      user,
      body: Buffer.alloc(0),
      members: new Map(),
    }
    const isHeld = standings.some(({ soft }) => !soft)
    let worstCase: NanoUsd | null = null
    let fault: string | null = null
    try {
      worstCase = boundCost(ports, request, targets, ports.clock.now(), tierCap, isHeld, inputTokens).worstCase
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause
      fault = cause.code
    }
    const judged = standings.map((standing) => ({ standing, verdict: verdictOf(standing, worstCase) }))
    const deciding = decidingOf(judged)
    return {
      refusal: fault ?? (judged.some(({ verdict }) => verdict === 'refuses') ? 'budget_exceeded' : null),
      told: {
        worst_case_usd: worstCase === null ? null : formatUsd(worstCase),
        budget_decides: deciding
          ? {
              name: deciding.standing.name,
              level: deciding.standing.level,
              reason: reasonOf(deciding.standing, deciding.verdict, worstCase, judged.length),
            }
          : null,
        budgets: judged.map(({ standing, verdict }) => ({ ...viewStanding(standing), verdict })),
        budgets_not_applied: [...notApplied],
      },
    }
  }
