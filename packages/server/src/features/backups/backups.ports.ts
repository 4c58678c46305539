/** What receivers of alerts are told. */
export interface BackupEvent {
  readonly name: string
  readonly severity: 'page' | 'ticket'
  readonly summary: string
  readonly value: number
  readonly threshold: number
}

/** How the copy in the second place stands. */
export interface CopyStanding {
  readonly place: string
  /** Age of the oldest file that is not there yet; 0: all of it is there. */
  readonly lag_seconds: number
  readonly files_left: number
  readonly bytes_left: number
  /** When all of it was there last, in milliseconds since the epoch; null: not since the start. */
  readonly copied_at: number | null
  readonly failure: string | null
  /** Passes that failed since the start. */
  readonly failures: number
}

/** How far a job is. */
export interface JobProgress {
  readonly stage: string
  readonly done: number
  readonly total: number
}

/** A base backup, as its list says. */
export interface ListedBackup {
  readonly id: string
  /** Null: its list cannot be read, or nobody at hand has signed it. */
  readonly facts: {
    /** Milliseconds since the epoch. */
    readonly startedAt: number
    readonly finishedAt: number
    readonly from: number
    readonly timeline: number
    readonly bytes: number
    readonly storedBytes: number
    readonly objects: number | null
  } | null
}

/** What lies in the folder of backups, and before it. Times are milliseconds since the epoch. */
export interface BackupFacts {
  /** Whether drills leave their reports here; where not, nobody is told that none has passed. */
  readonly drills: boolean
  /** The newest base backups, the newest first. */
  readonly list: (most: number) => Promise<readonly ListedBackup[]>
  /** Whether there is one of this id. */
  readonly has: (id: string) => Promise<boolean>
  /** When the newest change was archived; null before the first. */
  readonly archivedAt: () => Promise<number | null>
  /** Segments that were archived and not taken over, and since when the oldest waits. */
  readonly waiting: () => Promise<{ readonly count: number; readonly since: number | null }>
  /** When a drill passed last; null: never. */
  readonly drilledAt: () => Promise<number | null>
  /** When the oldest base backup was made; null where there is none. */
  readonly oldestAt: () => Promise<number | null>
  /** How the copy stands, as the process that makes it has noted it last; null: none is made. */
  readonly copy: () => Promise<CopyStanding | null>
}

/** What metrics say; NaN where it is not known. */
export interface BackupReading {
  readonly ageSeconds: number
  readonly durationSeconds: number
  readonly storedBytes: number
  readonly archiveLagSeconds: number
  readonly copyLagSeconds: number
  readonly drillAgeSeconds: number
  readonly failures: number
}
