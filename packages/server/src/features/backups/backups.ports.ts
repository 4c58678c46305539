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
