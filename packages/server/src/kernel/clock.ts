/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void
}

/** Time, behind an interface so that tests can turn it. */
export interface Clock {
  /** Wall clock: milliseconds since the epoch. May jump. */
  now(): number
  /** Monotonic milliseconds with a fraction: for durations and deadlines. */
  monotonic(): number
  /** Calls back once after `milliseconds`; does not keep the process alive. */
  after(milliseconds: number, callback: () => void): Timer
  /** Calls back again and again, `milliseconds` apart; does not keep the process alive. */
  every(milliseconds: number, callback: () => void): Timer
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after: (milliseconds, callback) => {
    const handle = setTimeout(callback, milliseconds)
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
  every: (milliseconds, callback) => {
    const handle = setInterval(callback, milliseconds)
    handle.unref()
    return { cancel: () => clearInterval(handle) }
  },
}
