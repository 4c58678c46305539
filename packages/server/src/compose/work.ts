import type { Diagnostics } from '@headgate/contract/diagnostics.ts'
import { createBodyRoom } from '../features/admission/body-room.ts'
import type { Ledger } from '../features/ledger/ledger.ts'
import type { Privacy } from '../features/privacy/privacy.ts'
import type { Queue } from '../features/queue/queue.ts'
import type { Clock } from '../kernel/clock.ts'

interface WorkPorts {
  /** Event streams open to callers. */
  readonly streams: () => number
  /** Streams that outlive their readers. */
  readonly kept: () => { readonly streams: number; readonly bytes: number }
  readonly clock: Clock
  readonly ledger: () => Pick<Ledger, 'stats'>
  readonly queue: () => Pick<Queue, 'read'>
  readonly privacy: () => Pick<Privacy, 'due'>
}

/** What the process has in hand, for metrics and operators. */
export const createWork = ({ streams, kept, clock, ledger, queue, privacy }: WorkPorts) => {
  const bodies = createBodyRoom(clock)
  return {
    /** Bodies of requests that all generations hold. */
    bodies,
    gauges: {
      streams,
      keptStreams: () => kept().streams,
      keptStreamBytes: () => kept().bytes,
      bodiesHeld: bodies.bytes,
      bodiesWaiting: bodies.waiting,
      ledgerQueue: () => ledger().stats().queued,
      ledgerHolds: () => ledger().stats().openHolds,
      journalDropped: () => ledger().stats().droppedRecords,
      ledgerLost: () => ledger().stats().lostRows,
      privacyOverdue: () => privacy().due().requests,
      breachesOpen: () => privacy().due().breaches.open,
      breachSecondsLeft: () => ((privacy().due().breaches.due?.getTime() ?? Number.NaN) - clock.now()) / 1_000,
      ledgerRefused: () => ledger().stats().refusedRows,
    },
    read: (): Diagnostics['work'] => ({
      streams: streams(),
      request_bodies_bytes: bodies.bytes(),
      ledger_queue: ledger().stats().queued,
      ledger_holds: ledger().stats().openHolds,
      providers: queue()
        .read()
        .map(({ provider, inFlight, limit, waiting }) => ({ provider, in_flight: inFlight, limit, waiting })),
    }),
  }
}
