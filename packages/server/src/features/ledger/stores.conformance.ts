import { beforeEach, describe, expect, it } from 'vitest'
import type { BudgetLevel, CallBudget } from '../../domain/hold.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { EntryStore } from './entries.store.ts'
import { type Grant, type GrantRequest, LEASE_EXPIRY_SECONDS, type LeaseStore } from './leases.store.ts'
import { toRow, type Reservation } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'

/** The ledger's stores under test. */
export interface StoresRig {
  /** What one process of a replica is given. */
  readonly leasesOf: (replica: string, epoch: string) => LeaseStore
  readonly entries: EntryStore
  readonly putBudget: (id: string, limit: bigint) => Promise<void>
  /** Where the only window of a budget stands. */
  readonly standing: (budgetId: string) => Promise<{ readonly spent: bigint; readonly leased: bigint }>
  /** Lets so much time pass since the replica was heard of. */
  readonly silence: (replica: string, seconds: number) => Promise<void>
}

const level: BudgetLevel = 'key'

/** What PostgreSQL and its model in the simulation must both do. */
export const describeLedgerStores = (name: string, open: () => Promise<StoresRig> | StoresRig): void => {
  describe(`stores of the ledger in ${name}`, () => {
    let rig: StoresRig
    let budget: CallBudget
    let replica: string
    let mine: LeaseStore

    beforeEach(async () => {
      rig = await open()
      budget = { id: prefixedId('bud', Date.now()), level, rule: null, soft: false, targets: null }
      replica = prefixedId('rep', Date.now())
      mine = rig.leasesOf(replica, 'one')
      await rig.putBudget(budget.id, 3_200n)
    })

    const request = (given: Partial<GrantRequest> = {}): GrantRequest => ({
      budget,
      at: Date.now(),
      lease: null,
      newId: prefixedId('lea', Date.now()),
      need: 10n,
      least: 10n,
      exact: false,
      ...given,
    })
    const lease = async (store: LeaseStore, given: Partial<GrantRequest> = {}) => {
      const asked = request(given)
      const granted = (await store.grant(asked)) as Grant
      return { ...granted, id: asked.newId }
    }
    const row = (leaseId: string, amount: bigint, cost: bigint) => {
      const reservation: Reservation = { budgetId: budget.id, leaseId, windowStart: 0, amount, targets: null }
      return toRow(sampleIntent({ budgets: [budget] }), [reservation], sampleSettlement({ cost }))
    }

    it('gives a 32nd of the remainder or the need, whichever is more; only the need where others are short; else what helps one', async () => {
      expect(await lease(mine)).toMatchObject({ amount: 100n, remainder: 3_200n, leased: 0n, windowStart: 0 })
      expect(await lease(mine, { exact: true })).toMatchObject({ amount: 10n, remainder: 3_100n, leased: 100n })
      expect(await lease(mine, { need: 2_000n, least: 1n })).toMatchObject({ amount: 2_000n })
      expect(await lease(mine, { need: 9_999n, least: 90n })).toMatchObject({ amount: 90n, remainder: 1_090n })
      expect(await lease(mine, { need: 1_000n, least: 1n })).toMatchObject({ amount: 1_000n })
      expect(await lease(mine, { least: 1n })).toMatchObject({ amount: 0n, remainder: 0n, leased: 3_200n })
      expect(await rig.standing(budget.id)).toEqual({ spent: 0n, leased: 3_200n })
    })

    it('adds to a lease that is there, and knows those that are not', async () => {
      const first = await lease(mine)
      expect(await mine.grant(request({ lease: first, exact: true }))).toMatchObject({ amount: 10n })
      expect(await mine.grant(request({ lease: { ...first, windowStart: 1 } }))).toBe('gone')
      await mine.end([first.id])
      expect(await mine.grant(request({ lease: first }))).toBe('gone')
      expect(await mine.grant(request({ budget: { ...budget, id: 'bud_none' } }))).toBe('no-budget')
      expect(await rig.standing(budget.id)).toEqual({ spent: 0n, leased: 0n })
    })

    it('takes back a part of a lease, and never more than it has', async () => {
      const { id } = await lease(mine)
      expect(await mine.giveBack(id, 60n)).toBe(true)
      expect(await mine.giveBack(id, 60n)).toBe(false)
      expect(await mine.giveBack('lea_none', 0n)).toBe(false)
      expect(await rig.standing(budget.id)).toEqual({ spent: 0n, leased: 40n })
    })

    it('returns what an earlier process left, and nothing of this one', async () => {
      await lease(rig.leasesOf(replica, 'zero'))
      await lease(mine)
      await mine.endOld()
      expect((await rig.standing(budget.id)).leased).toBe(96n)
    })

    it('returns leases that were silent for too long, and keeps those that are named', async () => {
      const kept = await lease(mine)
      const forgotten = await lease(mine)
      const old = await lease(rig.leasesOf(replica, 'zero'))
      await rig.silence(replica, LEASE_EXPIRY_SECONDS + 1)
      expect(await mine.heartbeat([kept.id], true)).toHaveLength(2)
      await mine.endExpired()
      expect(await mine.heartbeat([kept.id, forgotten.id, old.id], false)).toEqual(expect.arrayContaining([kept.id]))
      expect((await mine.news()).map(({ id }) => id).sort()).toEqual([kept.id, old.id].sort())
      await rig.silence(replica, LEASE_EXPIRY_SECONDS + 1)
      await mine.heartbeat([], true)
      await mine.endExpired()
      expect((await mine.news()).map(({ id }) => id)).toEqual([old.id])
    })

    it('asks others for what they have, until each has answered', async () => {
      const other = rig.leasesOf(`${replica}-other`, 'one')
      const { id } = await lease(mine)
      await lease(other)
      expect(await other.want(budget.id, 0)).toBe(1)
      expect(await other.unanswered(budget.id, 0)).toBe(1)
      expect((await mine.news())[0]).toMatchObject({ id, wanted: true, window: 'total' })
      await mine.giveBack(id, 0n)
      expect(await other.unanswered(budget.id, 0)).toBe(0)
      expect((await mine.news())[0]).toMatchObject({ wanted: false })
    })

    it('charges a row once, and to its lease', async () => {
      const { id } = await lease(mine)
      const rows = [row(id, 50n, 30n), row(id, 50n, 20n)]
      expect(await rig.entries.write(rows)).toBe(2)
      expect(await rig.entries.write([...rows, row(id, 10n, 5n)])).toBe(1)
      expect(await rig.standing(budget.id)).toEqual({ spent: 55n, leased: 45n })
    })

    it('charges what goes beyond a reservation, and what comes to a lease that is gone, to nobody’s lease', async () => {
      const { id } = await lease(mine)
      await rig.entries.write([row(id, 10n, 25n)])
      expect(await rig.standing(budget.id)).toEqual({ spent: 25n, leased: 90n })
      await mine.end([id])
      await rig.entries.write([row(id, 50n, 40n)])
      expect(await rig.standing(budget.id)).toEqual({ spent: 65n, leased: 0n })
    })
  })
}
