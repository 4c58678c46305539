import type { Edit } from './builtin-hooks.ts'

/** A change that makes the product wrong. */
export interface PlantedFault {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Found within seconds, so that every test run plants it. */
  readonly isQuick: boolean
}

const sources = 'packages/server/src'
const ledger = `${sources}/features/ledger`

const quick = ['leaked reservation: a lease', 'double settle', 'lost lease: it is given back']

const fault = (name: string, file: string, find: string, replace: string): PlantedFault => ({
  name,
  edits: [{ file, find, replace }],
  isQuick: quick.some((part) => name.startsWith(part)),
})

/** Bugs that the simulation must find, one at a time. */
export const plantedFaults: readonly PlantedFault[] = [
  fault(
    'leaked reservation: what a call did not need is not freed',
    `${ledger}/leases.ts`,
    'free(reservation, reservation.amount - paidByLease(row, reservation))',
    'free(reservation, 0n)',
  ),
  fault(
    'leaked reservation: a lease never learns that its calls are written',
    `${ledger}/leases.ts`,
    'for (const row of rows) forget(row.id, row.reservations)',
    'void rows',
  ),
  fault('double settle', `${ledger}/holds.ts`, 'if (!open.delete(this)) return', 'open.delete(this)'),
  fault(
    'lost lease: a grant whose commit was not answered is forgotten',
    `${ledger}/desk-work.ts`,
    'leases.set(doubtful.id, doubtful)\n          retire(doubtful',
    'retire(doubtful',
  ),
  fault(
    'lost lease: it is given back before its calls are written',
    `${ledger}/lease-upkeep.ts`,
    "lease.state !== 'active' && lease.calls.size === 0",
    "lease.state !== 'active'",
  ),
  fault(
    'leases of a dead process are returned before its rows are written',
    `${ledger}/ledger.ts`,
    'void drain.catchUp({ segment: oldest, offset: 0 }).then(leases.endOld)',
    'void drain.catchUp({ segment: oldest, offset: 0 })\n      leases.endOld()',
  ),
  fault(
    'a frozen replica goes on with leases that others took',
    `${ledger}/lease.ts`,
    'monotonic - lease.confirmedAt <= FENCE_AFTER_MS',
    'monotonic >= lease.confirmedAt',
  ),
  fault(
    'recovery overlooks the last open call',
    `${ledger}/recovery.ts`,
    'of open.values())',
    'of [...open.values()].slice(0, -1))',
  ),
  fault(
    'what a killed process left is not synced',
    `${ledger}/recovery.ts`,
    'written += await syncSegment(directory, segment, written < ANEW_BYTES)',
    'void [directory, segment, syncSegment]',
  ),
  fault('journal without syncs', `${ledger}/journal.ts`, 'fdatasync(target, finish)', 'setImmediate(finish, null)'),
  fault(
    'who leaves the line keeps a place in it',
    `${sources}/features/queue/gate.ts`,
    'const abandon = (): void => {\n        line.remove(flow, waiting)',
    'const abandon = (): void => {',
  ),
  fault(
    'the line serves the last caller first',
    `${sources}/features/queue/fair-line.ts`,
    'for (const flow of flows.values()) {\n        if (flow.deficit < 1)',
    'for (const flow of [...flows.values()].reverse()) {\n        if (flow.deficit < 1)',
  ),
  fault(
    'a replica alone gives away the whole limit',
    `${sources}/kernel/counters.memory.ts`,
    'const share = shareOf(limit, replicas)',
    'const share = limit',
  ),
  fault(
    'a bucket is given back what came back of itself',
    `${sources}/features/admission/charges.ts`,
    'change, taken, bucket }',
    'change, taken }',
  ),
]
