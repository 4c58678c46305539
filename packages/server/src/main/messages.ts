import type { FirstStart } from '../compose/greeting.ts'
import type { DoorAnswer, DoorItem } from '../kernel/counters.door.ts'
import type { DatabaseConnection } from '../kernel/db.ts'

/** What the primary process tells a worker. */
export type Order =
  | {
      readonly order: 'begin'
      /** The worker's number, from 1, and how many there are. */
      readonly number: number
      readonly size: number
      /** Where the store is; the primary has migrated it. */
      readonly connection: DatabaseConnection
      readonly promise: string
      /** The port that all listen on; 0 until the first has one. */
      readonly port: number
      /** Whether limits are counted by the primary. */
      readonly counts: boolean
    }
  | { readonly order: 'drain'; readonly reason: string }
  | { readonly order: 'abandon' }
  /** `recorded`: the change stands in the audit already. */
  | { readonly order: 'reload'; readonly actor: string; readonly recorded: boolean }
  | { readonly order: 'expose'; readonly id: number }
  | { readonly order: 'exposed'; readonly id: number; readonly text: string }
  | { readonly order: 'counted'; readonly answer: DoorAnswer }
  | { readonly order: 'crew'; readonly ready: number }

/** What a worker tells the primary. */
export type Report =
  | { readonly report: 'ready'; readonly port: number; readonly made: FirstStart }
  | { readonly report: 'failed'; readonly name: string; readonly message: string }
  /** An operator's reload is in effect there: the other workers follow. */
  | { readonly report: 'reloaded'; readonly actor: string }
  /** Somebody asks this worker for the metrics of all. */
  | { readonly report: 'asks-metrics'; readonly id: number }
  | { readonly report: 'metrics'; readonly id: number; readonly text: string }
  | { readonly report: 'count'; readonly items: readonly DoorItem[] }
