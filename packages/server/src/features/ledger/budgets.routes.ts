import {
  BudgetListSchema,
  BudgetPathSchema,
  type BudgetRule,
  BudgetRuleSchema,
  BudgetSchema,
} from '@headgate/contract/budgets.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { BudgetOperator, BudgetService } from './budget-rules.ports.ts'

const operatorOf = ({ actor, requestId }: AdminInput): BudgetOperator => ({ actor, requestId })
const nameOf = ({ params }: AdminInput): string => params['name'] ?? ''
const json = (value: unknown) => ({ kind: 'json', value }) as const

/** The operator's routes of budgets. */
export const budgetRoutes = ({ list, get, put, remove }: BudgetService): Route[] => {
  const all = async () => json({ object: 'list', data: await list(), has_more: false, next_cursor: null })
  return [
    defineRoute({
      method: 'GET',
      path: '/admin/v1/budgets',
      access: 'admin',
      permission: 'budgets:read',
      summary: 'Lists budgets, with the accounts of each that spent most.',
      reference: { operationId: 'listBudgets', tag: 'Budgets', answer: BudgetListSchema },
      handle: all,
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/budgets/:name',
      access: 'admin',
      permission: 'budgets:read',
      summary: 'Shows a budget and how its accounts stand.',
      reference: {
        operationId: 'getBudget',
        tag: 'Budgets',
        params: BudgetPathSchema,
        answer: BudgetSchema,
        errors: ['resource_not_found'],
      },
      handle: async (input) => json(await get(nameOf(input))),
    }),
    defineRoute({
      method: 'PUT',
      path: '/admin/v1/budgets/:name',
      access: 'admin',
      permission: 'budgets:write',
      summary: 'Sets a budget, in effect on every replica within 5 seconds; what was spent stays spent.',
      body: BudgetRuleSchema,
      reference: { operationId: 'putBudget', tag: 'Budgets', params: BudgetPathSchema, answer: BudgetSchema },
      handle: async (input) => json(await put(nameOf(input), input.body as BudgetRule, operatorOf(input))),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/admin/v1/budgets/:name',
      access: 'admin',
      permission: 'budgets:write',
      summary: 'Takes a budget away; its entries stay in the ledger.',
      reference: {
        operationId: 'deleteBudget',
        tag: 'Budgets',
        params: BudgetPathSchema,
        answer: BudgetListSchema,
        errors: ['resource_not_found'],
      },
      handle: async (input) => {
        await remove(nameOf(input), operatorOf(input))
        return all()
      },
    }),
  ]
}
