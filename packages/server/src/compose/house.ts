import type { FirstStart } from './greeting.ts'
import type { Crew } from './crew.ts'
import type { Storage } from './storage.ts'
import type { Settings } from '../config/config.ts'
import type { Reloaded } from '../config/reload.ts'
import type { Operator, ReloadReport } from '../features/configuration/configuration.ports.ts'
import type { HttpServer } from '../http/server.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { FaultPoints } from '../kernel/fault-points.ts'
import type { ProcessLog } from '../kernel/log.ts'

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock
  readonly faultPoints?: FaultPoints
  /** Folder of the built documentation. */
  readonly siteFolder?: string
}

/** What the house is built on. */
export interface Ground extends Overrides {
  readonly settings: Settings
  /** Reads the configuration anew. @throws ConfigFaults. */
  readonly read: (running: Settings) => Promise<Reloaded>
  readonly storage: Storage
  readonly log: ProcessLog
  /** Those that serve with this process; it serves alone when not stated. */
  readonly crew?: Crew
}

/** The house, standing. */
export interface House {
  readonly server: HttpServer
  /** The OpenAPI document of its routes. */
  readonly describe: () => object
  /** The configuration in effect. */
  readonly settings: () => Settings
  /** Begins background work, warms caches, and makes what an empty house lacks. */
  readonly start: () => Promise<FirstStart>
  /** Notes that everything is ready, for `/startupz`. */
  readonly started: () => void
  /** Takes over a changed configuration while calls run; `isRecorded`: the change stands in the audit already. @throws AppError `config_invalid`, and what the audit throws. */
  readonly reload: (operator: Operator, isRecorded?: boolean) => Promise<ReloadReport>
  /** The text of this process's own metrics. */
  readonly exposeMetrics: () => Promise<string>
  /** Turns `/readyz` away from traffic. */
  readonly beginDraining: () => void
  /** Whether any call is being answered or is not settled yet. */
  readonly isBusy: () => boolean
  /** Ends the calls that wait for a provider; from now on none waits. */
  readonly endWaiting: () => void
  readonly endCalls: (fault: AppError) => void
  /** Resolves when every settled call is in PostgreSQL. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}
