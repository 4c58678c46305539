import type { BudgetRule } from '@headgate/contract/budgets.ts'

/** What is wrong with a member, and what to do. */
export interface BudgetProblem {
  readonly location: string
  readonly message: string
  readonly fix: string
}

/** What is wrong with a budget beyond its schema; empty when it can be kept. */
export const budgetProblems = ({ window, rolling }: BudgetRule): BudgetProblem[] =>
  rolling === true && window === 'total'
    ? [
        {
          location: 'rolling',
          message: 'has no meaning for window total',
          fix: 'Leave it out, or choose another window.',
        },
      ]
    : []
