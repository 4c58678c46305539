import { describeLedgerStores } from '../../src/features/ledger/stores.conformance.ts'
import { describeCounters } from '../../src/kernel/counters.conformance.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { createSharedCounters } from '../../src/kernel/counters.shared.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createCounterModel } from './counter-model.ts'
import { createMoneyStore } from './money-store.ts'

describeLedgerStores('the model of the simulation', () => {
  let now = 0
  const money = createMoneyStore(() => now)
  return {
    leasesOf: (replica, epoch) => {
      const mine = money.leasesOf(replica, epoch)
      return {
        grant: async (request) => mine.grant(request),
        giveBack: async (id, amount) => mine.giveBack(id, amount),
        end: async (ids) => mine.end(ids),
        endOld: async () => mine.endOld(),
        endExpired: async () => mine.endExpired(),
        heartbeat: async (ids, old) => mine.heartbeat(ids, old),
        news: async () => mine.news(),
        want: async (budgetId, start) => mine.want(budgetId, start),
        unanswered: async (budgetId, start) => mine.unanswered(budgetId, start),
      }
    },
    entries: { write: async (rows) => money.write(rows), ensurePartitions: async () => undefined },
    putBudget: async (id, limit) => money.putBudget({ id, limit, window: 'total' }),
    standing: async (budgetId) => {
      const { spent = 0n, leased = 0n } = money.windows.get(`${budgetId} 0`) ?? {}
      return { spent, leased }
    },
    silence: async (_replica, seconds) => {
      now += seconds * 1_000
    },
  }
})

describeCounters('the model of the simulation', () => {
  let now = 1e9
  const model = createCounterModel(() => now)
  const neverRings = { cancel: () => undefined }
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => neverRings, every: () => neverRings }
  const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))
  const counters = createSharedCounters({
    clock,
    log: silentLog,
    store: {
      name: 'The model',
      open: (onReady) => onReady(),
      isReady: () => true,
      take: async (question) => model.take(question),
      correct: async (corrections) => model.correct(corrections),
      renew: async (holdings, leaseMs) => model.renew(holdings, leaseMs),
      present: async () => model.present('one'),
      close: async () => model.leave('one'),
    },
  })
  counters.start()
  return settled().then(() => ({
    counters,
    key: (name: string) => name,
    advance: (milliseconds: number) => {
      now += milliseconds
    },
    now: () => now,
    settled,
  }))
})
