import type { BudgetStanding as Shown } from '@headgate/contract/budgets.ts'
import type { BudgetLevel, BudgetWindow } from './hold.ts'
import { formatUsd, type NanoUsd } from './money.ts'

/** An account of a budget and what became of it in its present window. */
export interface BudgetStanding {
  /** null: the budget of the key itself. */
  readonly name: string | null
  readonly level: BudgetLevel
  /** null: it counts calls of all projects together. */
  readonly projectId: string | null
  /** null: each model has an account of its own, and none is meant. */
  readonly subject: string | null
  readonly soft: boolean
  readonly window: BudgetWindow
  readonly limit: NanoUsd
  readonly spent: NanoUsd
  /** Held for calls under way and by replicas that may admit some. */
  readonly reserved: NanoUsd
  /** When money comes back, milliseconds since the epoch; null: never, or nothing is spent. */
  readonly resetsAt: number | null
}

/** What neither was spent nor is reserved, at least 0. */
export const remainingOf = ({ limit, spent, reserved }: BudgetStanding): NanoUsd => {
  const left = limit - spent - reserved
  return left > 0n ? left : 0n
}

const rollingPrefix = 'rolling-'

/** A standing as it is told; without `figures` it says nothing of amounts, for they are those of others too. */
export const viewStanding = (standing: BudgetStanding, figures = true): Shown => {
  const { name, level, projectId, subject, soft, window, limit, spent, reserved, resetsAt } = standing
  const money = (amount: NanoUsd): string | null => (figures ? formatUsd(amount) : null)
  return {
    name,
    level,
    project: projectId,
    subject,
    mode: soft ? 'soft' : 'hard',
    window: window.replace(rollingPrefix, '') as Shown['window'],
    rolling: window.startsWith(rollingPrefix),
    limit_usd: money(limit),
    spent_usd: money(spent),
    reserved_usd: money(reserved),
    remaining_usd: money(remainingOf(standing)),
    resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString(),
    exhausted: subject === null ? null : remainingOf(standing) === 0n,
  }
}
