/** A named place where a test can make something go wrong. */
export interface FaultPoints {
  /** Called as the code passes `name`; a test may throw or end the process here. Does nothing in production. */
  pass(name: string): void
}

/** No faults: what production runs with. */
export const noFaults: FaultPoints = { pass: () => {} }
