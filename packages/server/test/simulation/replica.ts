import { createAdmission } from '../../src/features/admission/admission.ts'
import { openAccess } from '../../src/features/admission/access.ts'
import { createLedger, type Ledger } from '../../src/features/ledger/ledger.ts'
import { createQueue } from '../../src/features/queue/queue.ts'
import type { Price } from '../../src/domain/price.ts'
import type { Target } from '../../src/domain/model.ts'
import type { CounterRule, Counters, Decision } from '../../src/kernel/counters.ts'
import { createSharedCounters } from '../../src/kernel/counters.shared.ts'
import type { Database } from '../../src/kernel/db.ts'
import type { Feature } from '../../src/kernel/feature.ts'
import type { Log, LogFields } from '../../src/kernel/log.ts'
import { counterStoreOf } from './counter-store.ts'
import type { House, Replica } from './house.ts'
import type { Machine } from './stage.ts'

/** The one place where a model can be called. */
export const target: Target = {
  name: 'up/model',
  provider: 'up',
  model: 'model',
  operations: ['chat'],
  maxOutputTokens: null,
  contextTokens: null,
}

const TOKENS_PER_MILLION = 1_000_000n
/** Every token costs one nano-USD. */
const price: Price = {
  inputPerMillion: TOKENS_PER_MILLION,
  cachedInputPerMillion: TOKENS_PER_MILLION,
  cacheWritePerMillion: TOKENS_PER_MILLION,
  cacheWriteHourPerMillion: TOKENS_PER_MILLION,
  outputPerMillion: TOKENS_PER_MILLION,
  perRequest: 0n,
  source: 'local',
  version: 'simulated',
}

const logOf = ({ world }: House, { name }: Machine): Log => {
  const at = (level: string) => (fields: LogFields, message: string) =>
    world.note(`${name} ${level} ${message}${fields.error instanceof Error ? `: ${fields.error.message}` : ''}`)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** What operators set is not simulated: limits stand in the configuration. */
const noOperators: Database = {
  ...({} as Database),
  read: (_scope, work) => work({ query: async () => ({ rows: [], rowCount: 0 }) }),
}

const ledgerOf = (house: House, machine: Machine, log: Log): Ledger & Feature => {
  const { money, moneyLink, settings } = house
  return createLedger({
    database: noOperators,
    journalDirectory: `/${machine.name}/journal`,
    clock: machine.clock,
    faultPoints: machine.faultPoints,
    log,
    segmentBytes: settings.segmentBytes,
    queueLimit: settings.queueLimit,
    stores: (replicaId, epoch) => {
      house.epochs.set(epoch, machine)
      const mine = money.leasesOf(replicaId, epoch)
      const change = <T>(label: string, work: () => T) => moneyLink.ask(machine, 'change', label, work)
      const read = <T>(label: string, work: () => T) => moneyLink.ask(machine, 'read', label, work)
      return {
        entries: {
          write: (rows) => change(`writes ${rows.length} rows`, () => money.write(rows)),
          ensurePartitions: () => change('partitions', () => undefined),
        },
        leases: {
          grant: (request) =>
            change(`grant ${request.need} ${request.lease?.id ?? `new ${request.newId}`}`, () => {
              if (moneyLink.isLate()) house.orphans.add(request.newId)
              return mine.grant(request)
            }),
          giveBack: (id, amount) => change(`give back ${amount}`, () => mine.giveBack(id, amount)),
          end: (ids) => change(`end ${ids.join()}`, () => mine.end(ids)),
          endOld: () => change('end old leases', mine.endOld),
          endExpired: () => change('end expired leases', mine.endExpired),
          heartbeat: (ids, old) => change('heartbeat', () => mine.heartbeat(ids, old)),
          news: () => read('news', mine.news),
          want: (budgetId, start) => change('want', () => mine.want(budgetId, start)),
          unanswered: (budgetId, start) => read('unanswered', () => mine.unanswered(budgetId, start)),
        },
      }
    },
  })
}

/** Starts Headgate on a machine; resolves when it takes calls. */
export const bootReplica = async (house: House, machine: Machine): Promise<Replica> => {
  const { settings } = house
  const { clock } = machine
  const log = logOf(house, machine)
  const ledger = ledgerOf(house, machine, log)
  const shared = createSharedCounters({ store: counterStoreOf(house, machine), clock, log })
  const decided = (rules: readonly CounterRule[], holder: string, decision: Decision): Decision => {
    const { name, life } = machine
    if (decision.allowed) house.truth.limits.decided(holder, rules, `${name}.${life}`, house.peersOf(machine))
    return decision
  }
  const counters: Counters = {
    ...shared,
    take: (rules, holder = '') => {
      const decision = shared.take(rules, holder)
      if (decision instanceof Promise) return decision.then((later) => decided(rules, holder, later))
      return decided(rules, holder, decision)
    },
  }
  const limit = settings.places.adaptive ? Math.ceil(settings.places.atOnce / 2) : settings.places.atOnce
  const queue = createQueue({
    clock,
    settings: {
      waits: { maxWaiting: settings.places.waiting, maxWaitMs: settings.places.waitMs },
      totalMsOf: () => 60_000,
      limitOf: () => ({ initial: limit, min: 1, max: settings.places.atOnce, adaptive: settings.places.adaptive }),
      priorityOf: ({ keyId }) => 1 + (Number(keyId.slice(1)) % 3),
    },
    onWaited: () => undefined,
  })
  const admission = createAdmission({
    counters,
    clock,
    log,
    budgetsOf: (caller) => settings.budgetsOf(caller),
    budgetStandings: async () => ({ standings: [], notApplied: [] }),
    reserve: ledger.reserve,
    tiers: { one: { requests: settings.rate } },
    perIp: settings.rate,
    policyKey: Buffer.from('simulated'),
    database: noOperators,
    audit: { record: async () => undefined },
    countryOf: () => 'unknown',
    configured: { policies: settings.policies, access: openAccess },
    callerOf: () => Promise.reject(new Error('not simulated')),
    targetsOf: () => [target],
    onShadowRefused: () => undefined,
    onBudgetExceeded: () => undefined,
    priceOf: () => price,
    worstCase: (_price, request, outputCap) => BigInt(request.inputTokensBound + outputCap),
    outputCapMember: () => 'max_tokens',
    requiresOutputCap: () => false,
    withOutputCap: (request) => request,
  })
  await ledger.start()
  await admission.start?.()
  counters.start()
  return { machine, admission, ledger, queue, counters, calls: new Set(), draining: false }
}
