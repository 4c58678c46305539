import type { createMetrics } from '../metrics.ts'

const still = () => 0

/** Gauges of a house in which nothing happens. */
export const stillGauges: Parameters<typeof createMetrics>[0] = {
  privacyOverdue: still,
  breachesOpen: still,
  breachSecondsLeft: still,
  streams: still,
  keptStreams: still,
  keptStreamBytes: still,
  loopDelay: still,
  loopDelayWorst: still,
  bodiesWaiting: still,
  pressure: still,
  memoryCounted: still,
  memoryLimit: still,
  heapLimit: still,
  heapAfterCollection: still,
  heapPerHour: still,
  heapPerRequest: still,
  leakSuspected: still,
  loopUtilisation: still,
  scalingLoad: still,
  scalingDesired: still,
  scalingForecast: still,
  bodiesHeld: still,
  ledgerQueue: still,
  ledgerHolds: still,
  journalDropped: still,
  ledgerLost: still,
  ledgerRefused: still,
}
