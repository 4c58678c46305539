/** What the circuit of a target says to one more try. */
export interface CircuitVerdict {
  readonly allowed: boolean
  /** When not allowed: milliseconds until a try may be. */
  readonly retryAfterMs: number
}

/** Health of targets (`provider/model`), kept elsewhere. */
export interface CircuitPort {
  allow(target: string): CircuitVerdict
  /**
   * How a try went. `retryAfterMs` is a wait that the provider asked for and that is too long to be sat out: nothing more
   * goes to that provider until then.
   */
  report(target: string, outcome: 'ok' | 'fault', retryAfterMs?: number): void
}
