import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Lease } from './lease.ts'
import { isUnknown, type LeaseStore } from './leases.store.ts'

/** Keeps leases alive, gives back what lies idle or is wanted, and returns what the dead left. */
export interface LeaseUpkeep {
  start(): void
  /** One round: also what the timer does. */
  round(): Promise<void>
  stop(): Promise<void>
}

export interface LeaseUpkeepOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly log: Log
  /** Every lease of this process that is not finished with. */
  readonly leases: Map<string, Lease>
  /** Leases of an earlier process of this replica: kept until its rows are written, then returned. */
  readonly old: { state: 'kept' | 'to-return' | 'none' }
  /** The lease takes no more calls. */
  readonly retire: (lease: Lease, state: 'ending' | 'gone') => void
  /** Others are short of this budget: take no chunks of it for a while. */
  readonly spare: (budgetId: string) => void
  /** What the lease has left helps nobody here, while somebody is short of its budget. */
  readonly isHoarded: (lease: Lease) => boolean
  /** Forgets what is no longer needed of budgets. */
  readonly sweep: () => void
}

const ROUND_MS = 200
const HEARTBEAT_MS = 5_000
const EXPIRY_MS = 10_000
const IDLE_MS = 2_000

export const createLeaseUpkeep = (options: LeaseUpkeepOptions): LeaseUpkeep => {
  const { store, clock, log, leases, old, retire, spare, isHoarded, sweep } = options
  let timer: Timer | null = null
  let running: Promise<void> | null = null
  let nextHeartbeat = 0
  let nextExpiry = 0
  let failing = false

  const heartbeat = async () => {
    const sentAt = clock.monotonic()
    const known = [...leases.values()]
    const alive = new Set(await store.heartbeat([...leases.keys()], old.state !== 'none'))
    for (const lease of known) {
      if (alive.has(lease.id)) lease.confirmedAt = sentAt
      else if (lease.state !== 'gone') retire(lease, 'gone')
    }
    nextHeartbeat = sentAt + HEARTBEAT_MS
  }

  /** Takes the idle money out of the lease first, so that no call can get what is on its way back. */
  const giveBack = async (lease: Lease) => {
    const amount = lease.free
    lease.free = 0n
    try {
      if (!(await store.giveBack(lease.id, amount))) retire(lease, 'gone')
    } catch (cause) {
      // Given back or not, nobody knows: the lease is returned whole when its calls are written.
      if (isUnknown(cause)) retire(lease, 'ending')
      else lease.free += amount
      throw cause
    }
  }

  const review = async () => {
    const known = [...leases.values()].filter((lease) => lease.state === 'active')
    if (known.length === 0) return
    const news = new Map((await store.news()).map((item) => [item.id, item]))
    for (const lease of known) {
      if (lease.state !== 'active') continue
      const item = news.get(lease.id)
      const over = lease.windowEnd !== null && clock.now() >= lease.windowEnd
      const idle = clock.monotonic() - lease.usedAt > IDLE_MS
      if (!item) retire(lease, 'gone')
      else if (over || item.window !== lease.window || (idle && lease.calls.size === 0)) retire(lease, 'ending')
      else if (item.wanted) {
        spare(lease.budgetId)
        await giveBack(lease)
      } else if (lease.free > 0n && (idle || isHoarded(lease))) await giveBack(lease)
    }
  }

  const endFinished = async () => {
    const finished = [...leases.values()].filter((lease) => lease.state !== 'active' && lease.calls.size === 0)
    const ours = finished.filter((lease) => lease.state === 'ending').map((lease) => lease.id)
    if (ours.length > 0) await store.end(ours)
    for (const lease of finished) leases.delete(lease.id)
    if (old.state === 'to-return') {
      await store.endOld()
      old.state = 'none'
    }
  }

  const work = async () => {
    try {
      const monotonic = clock.monotonic()
      if (monotonic >= nextHeartbeat && (leases.size > 0 || old.state === 'kept')) await heartbeat()
      await review()
      await endFinished()
      if (monotonic >= nextExpiry) {
        nextExpiry = monotonic + EXPIRY_MS
        sweep()
        const count = await store.endExpired()
        if (count > 0) log.warn({ component: 'ledger', count }, 'Leases of silent replicas were returned')
      }
      failing = false
    } catch (error) {
      if (!failing) log.warn({ component: 'ledger', error: error as Error }, 'Leases cannot be kept up')
      failing = true
    }
  }

  const round = (): Promise<void> => {
    running ??= work().finally(() => {
      running = null
    })
    return running
  }

  return {
    start: () => {
      timer = clock.every(ROUND_MS, () => void round())
    },
    round,
    stop: async () => {
      timer?.cancel()
      await running
      for (const lease of leases.values()) if (lease.state === 'active') retire(lease, 'ending')
      await endFinished().catch((error) =>
        log.warn({ component: 'ledger', error: error as Error }, 'Leases could not be returned; they expire'),
      )
    },
  }
}
