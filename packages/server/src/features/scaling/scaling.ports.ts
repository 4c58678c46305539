/** How much one process has to do now. */
export interface Work {
  /** Part of the time in which the event loop was busy, 0 to 1. */
  readonly loopUtilisation: number
  /** Calls under way at providers, waiting for one, and places there are. */
  readonly inFlight: number
  readonly waiting: number
  readonly limit: number
}

/** What replicas there are to be, by configuration. */
export interface ScalingSettings {
  /** Part of what a replica could bear at which it is loaded as wanted, 0 to 1. */
  readonly targetLoad: number
  readonly minimum: number
  readonly maximum: number
  /** Calls per minute of one replica at the wanted load; null: learned. */
  readonly callsPerMinute: number | null
  /** How far ahead is looked. */
  readonly forecastMinutes: number
  readonly schedule: readonly ScheduledReplicas[]
}

/** Replicas that there are to be at least at certain times, UTC. */
export interface ScheduledReplicas {
  readonly name: string
  /** 0 is Sunday. */
  readonly days: readonly number[]
  /** Minutes since midnight; an end before the start is of the next day. */
  readonly from: number
  readonly to: number
  readonly replicas: number
}

/** Calls of all processes. */
export interface PacePort {
  readonly pace: (now: number) => Promise<{ readonly callsPerMinute: number; readonly processes: number }>
  readonly hours: (from: number, to: number) => Promise<readonly { readonly at: number; readonly calls: number }[]>
}
