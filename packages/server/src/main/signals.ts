const SAME_SIGNAL_MS = 1_000

/** What the signals of the operating system ask of a server. */
export interface Signalled {
  /** SIGTERM or SIGINT, the first time. */
  readonly drain: (signal: NodeJS.Signals) => void
  /** The same again. */
  readonly abandon: () => void
  /** SIGHUP. */
  readonly reload: () => void
}

/**
 * Passes signals on for the life of the process. A second signal cuts the drain short, unless it comes at once: for one Ctrl-C both the
 * terminal and npm send one.
 */
export const takeSignals = ({ drain, abandon, reload }: Signalled): void => {
  let signalledAt: number | null = null
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (signalledAt === null) drain(signal)
    else if (now - signalledAt > SAME_SIGNAL_MS) abandon()
    signalledAt ??= now
  }
  process.on('SIGHUP', reload)
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
