import type { BudgetWindow, CallBudget } from '../../domain/hold.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { CommitOutcomeUnknown, errorCode, isConnectionFault } from '../../kernel/db-errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { earlierParts, lockWindow, nothingEarlier, windowOf } from './budget-room.store.ts'
import { isRolling, windowStart } from './windows.ts'

/** What a replica asks of a budget. */
export interface GrantRequest {
  readonly budget: Pick<CallBudget, 'id' | 'rule'>
  /** Milliseconds since the epoch; decides the window. */
  readonly at: number
  /** The lease to add to; null for a new one. */
  readonly lease: { readonly id: string; readonly windowStart: number } | null
  /** Id of the new lease, should one be made. */
  readonly newId: string
  /**
   * What all waiting calls need beyond what is at hand, and the least that helps one of them: given where there is not enough for
   * all, so that nothing lies idle that helps nobody here.
   */
  readonly need: bigint
  readonly least: bigint
  /** Take no more than the need: others are short. */
  readonly exact: boolean
}

/** What a budget gave. `amount` 0: nothing, for want of room. */
export interface Grant {
  readonly window: BudgetWindow
  readonly windowStart: number
  readonly amount: bigint
  /** A soft budget gave it beyond its limit. */
  readonly over: boolean
  /** What is left besides spent and leased money, before this grant. */
  readonly remainder: bigint
  /** Money that leases hold, this replica's included. */
  readonly leased: bigint
}

/** A lease as its replica finds it: what it is asked. */
export interface LeaseNews {
  readonly id: string
  readonly wanted: boolean
  readonly window: BudgetWindow
}

/** `gone`: the lease to add to was returned by others; begin a new one. `no-budget`: the budget was removed. */
export type GrantAnswer = Grant | 'gone' | 'no-budget'

export interface LeaseStore {
  grant(request: GrantRequest): Promise<GrantAnswer>
  /** Gives back a part of a lease; false when the lease is gone. */
  giveBack(id: string, amount: bigint): Promise<boolean>
  /** Returns leases whole. Without effect on those that are gone. */
  end(ids: readonly string[]): Promise<void>
  /** Returns what an earlier process of this replica left. */
  endOld(): Promise<void>
  /** Returns leases of replicas that have been silent for a minute. */
  endExpired(): Promise<number>
  /**
   * Keeps these leases, and with `old` those of an earlier process of this replica; answers which there still are. What was
   * made by a commit that came after it was given up is not among them, and expires.
   */
  heartbeat(ids: readonly string[], old: boolean): Promise<readonly string[]>
  news(): Promise<readonly LeaseNews[]>
  /** Asks the other holders of a window for what lies idle; how many were asked. */
  want(budgetId: string, windowStart: number): Promise<number>
  /** How many of them have not answered. */
  unanswered(budgetId: string, windowStart: number): Promise<number>
}

/** A replica that says nothing for so long has lost its leases. */
export const LEASE_EXPIRY_SECONDS = 60
/** A chunk is this part of the remainder, so that a replica can hoard only little. */
const CHUNK_DIVISOR = 32n
const DEADLOCK = '40P01'

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** True when the change may or may not have been kept. */
export const isUnknown = (cause: unknown): boolean => cause instanceof CommitOutcomeUnknown

/** A fault of the database as the caller may see it. */
export const asUnavailable = (cause: unknown): unknown =>
  isUnknown(cause) || isConnectionFault(cause)
    ? new AppError('database_unavailable', { cause, retryAfterMs: 1_000 })
    : cause

// Windows are locked in one order and before leases, here as in the drain, so that no two transactions wait for each other.
const LOCK = `
  SELECT FROM headgate.budget_windows w
   WHERE (w.budget_id, w.window_start) IN (SELECT l.budget_id, l.window_start FROM headgate.leases l WHERE CONDITION)
   ORDER BY w.budget_id, w.window_start FOR UPDATE`
const END = `
  WITH ended AS (
    DELETE FROM headgate.leases l WHERE CONDITION RETURNING l.budget_id, l.window_start, l.amount_nano
  ), per_window AS (
    SELECT budget_id, window_start, sum(amount_nano)::bigint AS amount, count(*)::integer AS leases
      FROM ended GROUP BY budget_id, window_start
  ), freed AS (
    UPDATE headgate.budget_windows w SET leased_nano = w.leased_nano - p.amount
      FROM per_window p WHERE w.budget_id = p.budget_id AND w.window_start = p.window_start
  )
  SELECT coalesce(sum(leases), 0)::integer AS count FROM per_window`

const endWhere = async ({ query }: Transaction, condition: string, values: readonly unknown[]): Promise<number> => {
  await query(LOCK.replace('CONDITION', condition), values)
  const { rows } = await query<{ count: number }>(END.replace('CONDITION', condition), values)
  return rows[0]?.count ?? 0
}

/** @param epoch tells this process from others of the same replica. */
export const createLeaseStore = (
  database: Database,
  replicaId: string,
  epoch: string,
  faultPoints: FaultPoints,
): LeaseStore => {
  const system = async <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await database.transaction('system', work)
      } catch (cause) {
        if (errorCode(cause) !== DEADLOCK || attempt === 3) throw cause
      }
    }
  }

  const grant = (request: GrantRequest): Promise<GrantAnswer> =>
    system(async (transaction) => {
      const { execute } = transaction
      const { id: budgetId } = request.budget
      const window = await windowOf(transaction, request.budget)
      if (window === null) return 'no-budget'
      const start = windowStart(window, request.at)
      if (request.lease && request.lease.windowStart !== start) return 'gone'
      const row = await lockWindow(transaction, budgetId, start)
      if (!row) return 'no-budget'
      const before = isRolling(window) ? await earlierParts(transaction, budgetId, window, start) : nothingEarlier
      const leased = row.leased_nano + before.leased
      const remainder = row.limit_nano - row.spent_nano - before.spent - leased
      const over = remainder < request.least
      const answer = { window, windowStart: start, remainder, leased, over }
      if (over && !row.soft) return { ...answer, amount: 0n }
      const room = over ? row.limit_nano : remainder
      const chunk = request.exact ? 0n : room / CHUNK_DIVISOR
      const wished = request.need > chunk ? request.need : chunk
      const amount = over || wished <= remainder ? wished : request.least
      const kept = request.lease
        ? await execute('UPDATE headgate.leases SET amount_nano = amount_nano + $2 WHERE id = $1', [
            request.lease.id,
            amount,
          ])
        : await execute(
            `INSERT INTO headgate.leases (id, budget_id, window_start, project_id, replica_id, epoch, amount_nano)
             SELECT $1, id, $3, project_id, $4, $5, $6 FROM headgate.budgets WHERE id = $2`,
            [request.newId, budgetId, time(start), replicaId, epoch, amount],
          )
      if (kept === 0) return 'gone'
      const moved = await execute(
        `UPDATE headgate.budget_windows SET leased_nano = leased_nano + $3
          WHERE budget_id = $1 AND window_start = $2 AND ($5 OR spent_nano + leased_nano + $3 <= $4)`,
        [budgetId, time(start), amount, row.limit_nano, over],
      )
      if (moved !== 1) throw new Error('A budget had less room than its locked row said')
      faultPoints.pass('ledger.before-grant-commit')
      return { ...answer, amount }
    })

  return {
    grant,
    giveBack: (id, amount) =>
      system(async ({ query, execute }) => {
        await query(LOCK.replace('CONDITION', 'l.id = $1'), [id])
        const { rows } = await query<{ budget_id: string; window_start: Date }>(
          `UPDATE headgate.leases SET amount_nano = amount_nano - $2, wanted_at = NULL
            WHERE id = $1 AND amount_nano >= $2 RETURNING budget_id, window_start`,
          [id, amount],
        )
        const lease = rows[0]
        if (!lease) return false
        if (amount > 0n) {
          await execute(
            'UPDATE headgate.budget_windows SET leased_nano = leased_nano - $3 WHERE budget_id = $1 AND window_start = $2',
            [lease.budget_id, lease.window_start, amount],
          )
        }
        return true
      }),
    end: async (ids) => {
      await system((transaction) => endWhere(transaction, 'l.id = ANY ($1)', [ids]))
    },
    endOld: async () => {
      await system((transaction) => endWhere(transaction, 'l.replica_id = $1 AND l.epoch <> $2', [replicaId, epoch]))
    },
    endExpired: () =>
      system((transaction) =>
        endWhere(transaction, 'l.heartbeat_at < now() - make_interval(secs => $1)', [LEASE_EXPIRY_SECONDS]),
      ),
    heartbeat: (ids, old) =>
      system(async ({ query }) => {
        const { rows } = await query<{ id: string }>(
          `UPDATE headgate.leases SET heartbeat_at = now()
            WHERE replica_id = $1 AND (id = ANY ($2) OR ($3 AND epoch <> $4)) RETURNING id`,
          [replicaId, ids, old, epoch],
        )
        return rows.map((row) => row.id)
      }),
    news: () =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<LeaseNews>(
          `SELECT l.id, b.budget_window AS "window",
                  l.wanted_at IS NOT NULL OR (w.spent_nano + w.leased_nano > b.limit_nano AND NOT b.soft) AS wanted
             FROM headgate.leases l
             JOIN headgate.budget_windows w ON w.budget_id = l.budget_id AND w.window_start = l.window_start
             JOIN headgate.budgets b ON b.id = l.budget_id
            WHERE l.replica_id = $1`,
          [replicaId],
        )
        return rows
      }),
    want: (budgetId, start) =>
      system(({ execute }) =>
        execute(
          `UPDATE headgate.leases SET wanted_at = now()
            WHERE budget_id = $1 AND window_start = $2 AND replica_id <> $3 AND amount_nano > 0`,
          [budgetId, time(start), replicaId],
        ),
      ),
    unanswered: (budgetId, start) =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<{ count: number }>(
          `SELECT count(*)::integer AS count FROM headgate.leases
            WHERE budget_id = $1 AND window_start = $2 AND replica_id <> $3 AND wanted_at IS NOT NULL AND amount_nano > 0`,
          [budgetId, time(start), replicaId],
        )
        return rows[0]?.count ?? 0
      }),
  }
}
