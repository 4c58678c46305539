import type { DecidedBy } from './desired.ts'
import type { ScheduledReplicas, Work } from './scaling.ports.ts'

/** How many replicas there are to be, and why. */
export interface ScalingReading {
  readonly desired: number
  readonly decidedBy: DecidedBy
  /** That answered calls in the last minutes; at least this one. */
  readonly replicas: number
  /** Of this process: 1 is as much as is wanted. */
  readonly load: number
  readonly work: Work
  readonly callsPerMinute: number
  /** Calls per minute that one replica serves at the wanted load; null while that is not known. */
  readonly capacity: number | null
  readonly forecast: number
  readonly weeks: number
  readonly scheduled: ScheduledReplicas | null
}
