import type { Adjustment, AdjustmentQuery, CreateAdjustment } from '@headgate/contract/adjustments.ts'
import { type Page, pageOf } from '@headgate/contract/keys.ts'
import { formatUsd, parseUsd } from '../../domain/money.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Adjuster, AdjustmentOptions, Adjustments } from './adjustments.ports.ts'
import { adjustmentRoutes } from './adjustments.routes.ts'
import { type AdjustmentRow, findReference, insertAdjustment, listAdjustments } from './adjustments.store.ts'
import { asUnavailable } from './leases.store.ts'

const PAGE = 20

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

const view = (row: AdjustmentRow): Adjustment => ({
  object: 'adjustment',
  id: row.request_id,
  project: row.project_id,
  key_id: row.key_id === '' ? null : row.key_id,
  amount_usd: formatUsd(row.cost_nano),
  reason: row.reason,
  reference: row.client_request_id === row.request_id ? null : row.client_request_id,
  budget_window: row.budget_window?.toISOString() ?? null,
  created_at: row.at.toISOString(),
})

/** Builds adjustments and their routes. */
export const createAdjustments = (options: AdjustmentOptions): Adjustments & Feature => {
  const { database, clock, callerOf, budgetsOf, hasProject, audit } = options

  const account = async ({ key_id: keyId, project }: CreateAdjustment) => {
    if (keyId !== undefined) {
      const caller = await callerOf(keyId)
      const { projectId } = caller
      if (project !== undefined && project !== projectId)
        throw refuse('project', 'is not the project of the key', 'Leave it out, or correct one of the two.')
      return { keyId, projectId, budgets: await budgetsOf(projectId, caller) }
    }
    if (project === undefined) throw refuse('key_id', 'and project are both missing', 'Name a key or a project.')
    if (!(await hasProject(project)))
      throw new AppError('resource_not_found', { detail: `There is no project ${project}.` })
    return { keyId: null, projectId: project, budgets: await budgetsOf(project, null) }
  }

  const add = async (input: CreateAdjustment, adjuster: Adjuster): Promise<Adjustment> => {
    const amount = parseUsd(input.amount_usd)
    if (amount === 0n) throw refuse('amount_usd', 'is 0', 'Charge with a positive amount, credit with a negative one.')
    const { keyId, projectId, budgets } = await account(input)
    const at = clock.now()
    const id = prefixedId('adj', at)
    const reference = input.reference ?? null
    const { reason } = input
    return database
      .transaction('system', async (transaction) => {
        const known = reference === null ? undefined : await findReference(transaction, projectId, reference)
        if (known) {
          if (known.cost_nano !== amount || known.key_id !== (keyId ?? '') || known.reason !== reason)
            throw refuse('reference', 'belongs to another adjustment of this project', 'Choose another reference.')
          return view(known)
        }
        const row = await insertAdjustment(transaction, {
          ...{ id, at, reference, projectId, keyId, budgets, amount, reason },
        })
        const made = view(row)
        const { key_id, amount_usd, budget_window } = made
        await audit.record(transaction, {
          ...adjuster,
          action: 'ledger.adjusted',
          resource: `adjustment/${id}`,
          project: projectId,
          after: { key_id, amount_usd, budget_window, reference },
          reason,
        })
        return made
      })
      .catch((cause) => {
        throw asUnavailable(cause)
      })
  }

  const list = async (query: AdjustmentQuery): Promise<Page<Adjustment>> => {
    const { project, after } = query
    const limit = Number(query.limit ?? PAGE)
    const [at = '', ...id] = after?.split('_') ?? []
    const cursor = after === undefined ? null : { at: Number(at), id: id.join('_') }
    const rows = await database
      .read('system', (read) => listAdjustments(read, project ?? null, cursor, limit + 1))
      .catch((cause) => {
        throw asUnavailable(cause)
      })
    return pageOf(rows, limit, (row) => `${row.at.getTime()}_${row.request_id}`, view)
  }

  return { name: 'adjustments', routes: adjustmentRoutes({ add, list }), add, list }
}
