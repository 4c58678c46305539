import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { desiredReplicas, loadOf, scheduledAt } from './desired.ts'
import { forecast, type Season, seasonOf } from './forecast.ts'
import type { ScalingReading } from './reading.ts'
import type { PacePort, ScalingSettings, Work } from './scaling.ports.ts'
import { scalingRoutes } from './scaling.routes.ts'

export interface ScalingOptions {
  readonly clock: Clock
  readonly log: Log
  /** Those in effect at the moment of asking. */
  readonly settings: () => ScalingSettings
  /** What this process has to do now. */
  readonly work: () => Work
  readonly pace: PacePort
  /** Processes of one replica. */
  readonly processes: number
}

/** Tells whoever starts replicas how many there should be. */
export interface Scaling extends Feature {
  readonly read: () => ScalingReading
}

const LOOK_EVERY_MS = 15_000
const SEASON_EVERY_MS = 600_000
const HOUR_MS = 3_600_000
const WEEK_MS = 168 * HOUR_MS
const WEEKS = 4
/** A process with less to do than this says little of what it could bear. */
const LEAST_TELLING_LOAD = 0.1
/** Part of a new reading in what is known of the capacity. */
const LEARNING = 0.2

const unknown: Season = { perMinute: [], weeks: 0 }

/** Builds the reading of load, pace, season and schedule. */
export const createScaling = ({ clock, log, settings, work, pace, processes }: ScalingOptions): Scaling => {
  let lately = { callsPerMinute: 0, processes: 0 }
  let season = unknown
  let seasonDueAt = 0
  let learned: number | null = null
  let failing = false
  let looking: Promise<void> | null = null
  let timer: Timer | null = null

  const replicasNow = (): number => Math.max(1, Math.ceil(lately.processes / processes))
  const learn = (): void => {
    const load = loadOf(work(), settings().targetLoad)
    if (load < LEAST_TELLING_LOAD || lately.callsPerMinute === 0) return
    const told = lately.callsPerMinute / replicasNow() / load
    learned = learned === null ? told : learned + LEARNING * (told - learned)
  }
  const readSeason = async (now: number): Promise<void> => {
    const end = now - (now % HOUR_MS)
    const hours = await pace.hours(end - WEEKS * WEEK_MS, end)
    // Counting began with the first hour that is known.
    season = hours.length === 0 ? unknown : seasonOf(hours, hours[0]?.at ?? end, end)
  }
  const look = async (): Promise<void> => {
    try {
      const now = clock.now()
      lately = await pace.pace(now)
      if (clock.monotonic() >= seasonDueAt) {
        await readSeason(now)
        seasonDueAt = clock.monotonic() + SEASON_EVERY_MS
      }
      learn()
      failing = false
    } catch (error) {
      if (!failing) log.debug({ component: 'house', error }, 'What calls come cannot be read')
      failing = true
    }
  }
  const lookOnce = (): Promise<void> =>
    (looking ??= look().finally(() => {
      looking = null
    }))

  const read = (): ScalingReading => {
    const { targetLoad, callsPerMinute: configured, forecastMinutes, schedule, minimum, maximum } = settings()
    const now = clock.now()
    const current = work()
    const load = loadOf(current, targetLoad)
    const capacity = configured ?? learned
    const expected = forecast(season, now, lately.callsPerMinute, forecastMinutes)
    const scheduled = scheduledAt(schedule, now)
    const { replicas, decidedBy } = desiredReplicas(
      { minimum, maximum },
      {
        load: load * replicasNow(),
        forecast: capacity === null || capacity === 0 ? 0 : expected / capacity,
        schedule: scheduled?.replicas ?? 0,
      },
    )
    return {
      desired: replicas,
      decidedBy,
      replicas: replicasNow(),
      load,
      work: current,
      callsPerMinute: lately.callsPerMinute,
      capacity,
      forecast: expected,
      weeks: season.weeks,
      scheduled,
    }
  }

  return {
    name: 'scaling',
    routes: scalingRoutes({
      read: async () => {
        await lookOnce()
        return read()
      },
      settings,
    }),
    read,
    start: () => {
      // The first look is not waited for: a start has other things to do.
      void lookOnce()
      timer = clock.every(LOOK_EVERY_MS, () => void lookOnce())
    },
    stop: async () => {
      timer?.cancel()
      await looking
    },
  }
}
