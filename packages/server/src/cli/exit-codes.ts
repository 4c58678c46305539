/** What the exit status of `headgate` says. */
export const exitCode = {
  done: 0,
  /** Refused or failed, for the reason printed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The configuration has faults. */
  configuration: 3,
  /** PostgreSQL does not answer, or the data folder cannot be used now. */
  unavailable: 4,
  notFound: 5,
  /** Worker processes ended again and again. */
  workersFailed: 6,
} as const
