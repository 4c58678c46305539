import { createCounterModel } from './counter-model.ts'
import { countedFrom } from '../../src/features/ledger/windows.ts'
import { createDisk, type Disk } from './disk.ts'
import { installDisks } from './disks.ts'
import type { House } from './house.ts'
import { createLink } from './link.ts'
import type { Machine } from './stage.ts'
import { createMoneyStore, type MoneyStore } from './money-store.ts'
import { chooseSettings } from './settings.ts'
import { createTruth, type Truth } from './truth.ts'
import type { World } from './stage.ts'

const checkWindows = (world: World, money: MoneyStore): void => {
  const leased = new Map<object, bigint>()
  for (const { window, amount, id } of money.leases.values()) {
    leased.set(window, (leased.get(window) ?? 0n) + amount)
    if (amount < 0n) world.breach('no lease is below nothing', `${id}: ${amount}`)
  }
  for (const [name, window] of money.windows) {
    const text = `${name}: spent ${window.spent}, leased ${window.leased}, limit ${window.budget.limit}`
    if (window.leased !== (leased.get(window) ?? 0n)) world.breach('what is leased is the sum of leases', text)
    if (window.budget.soft === true) continue
    let held = 0n
    for (const part of money.windows.values())
      if (part.budget === window.budget && part.start >= countedFrom(part.budget.window, window.start))
        if (part.start <= window.start) held += part.spent + part.leased - part.uncovered
    if (held > window.budget.limit) world.breach('no hard budget is passed', `${text}, ${held} in all`)
  }
}

/** Builds a house of the world's seed. */
export const buildHouse = (world: World): House => {
  const settings = chooseSettings(world.random)
  const peers = new WeakMap<Machine, number[]>()
  const disks = new Map<string, Disk>()
  for (let index = 1; index <= settings.replicas; index++) disks.set(`r${index}`, createDisk(world.random))
  installDisks(disks)
  const truth: Truth = createTruth(world, settings, () => money)
  const money: MoneyStore = createMoneyStore(() => world.time(), {
    onChanged: () => checkWindows(world, money),
    onUncovered: (row, expiredAt) => {
      const call = truth.calls.get(row.id)
      if (expiredAt !== undefined && call !== undefined && call.openedAt > expiredAt)
        world.breach(
          'no call is let through by a lease that others took',
          `${row.id} at ${call.openedAt}, ${expiredAt}`,
        )
      // Where neither journal nor queue took its end, a call is settled a second time, as killed.
      if (expiredAt === undefined && call?.excused !== true)
        world.breach('a lease outlives its calls', `${row.id} came to a lease that was given back`)
    },
  })
  for (const budget of settings.budgets) money.putBudget(budget)
  return {
    world,
    settings,
    money,
    moneyLink: createLink(world, 'money'),
    counters: createCounterModel(() => world.time() + 1e9),
    counterLink: createLink(world, 'count'),
    truth,
    disks,
    epochs: new Map(),
    orphans: new Set(),
    replicas: new Map(),
    // What was heard a moment ago may not have been taken note of.
    peersOf: (machine) => Math.min(...(peers.get(machine) ?? [1]).slice(-2)),
    heardPeers: (machine, count) => void peers.set(machine, [...(peers.get(machine) ?? [1]), count].slice(-2)),
  }
}
