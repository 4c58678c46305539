import type { Route } from './route.ts'

/** What a feature shows the house. */
export interface Feature {
  readonly name: string
  readonly routes?: readonly Route[]
  /** Begins background work, once the house stands. */
  start?(): Promise<void> | void
  /** Ends background work and writes down what is still in memory. */
  stop?(): Promise<void>
  /** Lets go what is idle and can be had again, because memory is short. */
  relieve?(): void
  /** A short state for `/readyz`; throws or answers within a second. */
  health?(): Promise<HealthReport> | HealthReport
}

/** `failing` is a fault of this process; `degraded` a shared dependency that is away. */
export interface HealthReport {
  readonly state: 'ok' | 'degraded' | 'failing'
  readonly detail?: string
}
