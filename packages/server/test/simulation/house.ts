import type { Admission } from '../../src/features/admission/admission.ts'
import type { Ledger } from '../../src/features/ledger/ledger.ts'
import type { Queue } from '../../src/features/queue/queue.ts'
import type { Counters } from '../../src/kernel/counters.ts'
import type { Feature } from '../../src/kernel/feature.ts'
import type { CounterModel } from './counter-model.ts'
import type { Disk } from './disk.ts'
import type { Link } from './link.ts'
import type { MoneyStore } from './money-store.ts'
import type { Settings } from './settings.ts'
import type { Machine, World } from './stage.ts'
import type { Truth } from './truth.ts'

/** One process of Headgate: the parts that admit, hold, queue and settle, wired as `compose.ts` wires them. */
export interface Replica {
  readonly machine: Machine
  readonly admission: Admission
  readonly ledger: Ledger & Feature
  readonly queue: Queue
  readonly counters: Counters
  /** Calls under way. */
  readonly calls: Set<string>
  /** Takes no more calls. */
  draining: boolean
}

/** Everything that outlives a process: stores, networks, disks, and who knows the truth. */
export interface House {
  readonly world: World
  readonly settings: Settings
  readonly money: MoneyStore
  readonly moneyLink: Link
  readonly counters: CounterModel
  readonly counterLink: Link
  readonly truth: Truth
  readonly disks: ReadonlyMap<string, Disk>
  /** The process that each lease was made by, by its epoch. */
  readonly epochs: Map<string, Machine>
  /** Leases that may have been made after who asked for them gave up; they expire. */
  readonly orphans: Set<string>
  /** Those that run, by name. */
  readonly replicas: Map<string, Replica>
  /** How many replicas a process takes the house for. */
  peersOf(machine: Machine): number
  heardPeers(machine: Machine, count: number): void
}
