import type { ModelSpeed } from '../../domain/model-facts.ts'
import type { Kept, RequestRecord } from '../../domain/request-record.ts'
import type { Ending, Walk } from '../../domain/walk.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { createHourStore } from './hours.store.ts'
import { createKeeping } from './keeping.ts'
import { createMinuteStore, type SignalRows } from './minutes.store.ts'
import { type Counted, createMinutes } from './minutes.ts'
import { createRequestStore, type KeptRecord } from './requests.store.ts'
import { requestRoutes } from './requests.routes.ts'
import { speedsOf, textRoutes } from './speeds.ts'
import { createSlowLog, type SlowLimits, type SlowLogPorts } from './slow-log.ts'
import { createWriter } from './writer.ts'

/** What a reload changes. */
export interface RequestsSettings {
  /** Ordinary requests kept per minute and process. */
  readonly samplePerMinute: number
  /** From here on a request is slow. */
  readonly slowMs: number
  readonly keepDays: number
  readonly statsDays: number
  readonly slowLog: SlowLimits
}

export interface RequestsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly settings: RequestsSettings
  readonly onSlow: SlowLogPorts['onSlow']
  /** Told of what found no room. */
  readonly onDropped: (count: number) => void
}

/** What requests went through, for operators; all of it behind the answers. */
export interface Requests extends Feature {
  /** Counts a request, or a try at a provider. */
  readonly count: (one: Counted) => void
  /** Whether a request is kept, and why; asked once per request. null: it is only counted. */
  readonly keeps: (code: string | null, durationMs: number) => Exclude<Kept, 'body'> | null
  readonly keep: (record: RequestRecord, kept: Kept) => void
  /** Tells of a request that took too long. */
  readonly tellSlow: (walk: Walk, ending: Ending, durationMs: number) => void
  readonly reconfigure: (settings: RequestsSettings) => void
  /** What requests and tries came to from a time on until now, this process's included. Rejects without PostgreSQL. */
  readonly signals: (from: number) => Promise<SignalRows>
  /** How fast targets answered since then, this process's answers included. Rejects without PostgreSQL. */
  readonly speeds: (from: number) => Promise<ReadonlyMap<string, ModelSpeed>>
}

const COUNTS_EVERY_MS = 5_000
const MINUTE_MS = 60_000
const ROLL_UP_EVERY_MS = MINUTE_MS
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** As far back as statistics can be asked for. */
const HOURS_DAYS = 93
const BATCH = 500
const MOST_WAITING = 10_000

/** Builds the store of requests. */
export const createRequests = (options: RequestsOptions): Requests => {
  const { database, clock, log, onDropped } = options
  const store = createRequestStore(database)
  const minuteStore = createMinuteStore(database, prefixedId('run', clock.now()), clock.now)
  const hourStore = createHourStore(database)
  const minutes = createMinutes(() => onDropped(1))
  let { settings } = options
  const keepingOf = ({ samplePerMinute: perMinute, slowMs }: RequestsSettings) => createKeeping({ perMinute, slowMs })
  let keeps = keepingOf(settings)
  const slowLogOf = ({ slowLog }: RequestsSettings) =>
    createSlowLog(slowLog, { log, monotonic: clock.monotonic, onSlow: options.onSlow })
  let tellSlow = slowLogOf(settings)
  const writer = createWriter<KeptRecord>({
    clock,
    log,
    what: 'requests',
    batch: BATCH,
    most: MOST_WAITING,
    write: store.write,
    onDropped,
  })
  const timers: { cancel(): void }[] = []

  let writing: Promise<void> = Promise.resolve()
  /** One after the other: rows are replaced, so an older write must not end after a later one. */
  const writeCounts = (): Promise<void> => {
    writing = writing.then(async () => {
      const tallies = minutes.take()
      if (tallies.length === 0) return
      try {
        await minuteStore.write(tallies)
      } catch (error) {
        minutes.giveBack(tallies)
        log.debug({ component: 'requests', error }, 'Counts of requests wait for PostgreSQL')
      }
    })
    return writing
  }
  const keepDays = (): Promise<void> =>
    store
      .keepDays({
        'headgate.requests': settings.keepDays,
        'headgate.request_minutes': settings.statsDays,
        'headgate.request_hours': HOURS_DAYS,
      })
      .catch((error) => log.warn({ component: 'requests', error }, 'Partitions of requests were not kept in order'))
  /** The minutes of the first day that is kept may be gone in part, and those of this hour still grow. */
  const rollUp = async (): Promise<void> => {
    try {
      const now = clock.now()
      const from = now - (now % DAY_MS) - (Math.min(settings.statsDays, HOURS_DAYS) - 1) * DAY_MS
      const rolled = await hourStore.rollUp(DAY_MS, { from, to: now - (now % HOUR_MS) - HOUR_MS })
      if (rolled?.mended)
        log.warn({ component: 'requests', count: rolled.mended }, 'Hours that differed from their minutes were mended')
    } catch (error) {
      log.debug({ component: 'requests', error }, 'Counts of requests by the hour wait for PostgreSQL')
    }
  }
  const settle = async (): Promise<void> => {
    await Promise.all([writer.flush().catch(() => undefined), writeCounts()])
  }

  return {
    name: 'requests',
    routes: requestRoutes({ requests: store, minutes: minuteStore, settle, now: clock.now }),
    count: (one) => minutes.add(clock.now(), one),
    keeps: (code, durationMs) => keeps(clock.monotonic(), code, durationMs),
    tellSlow: (walk, ending, durationMs) => tellSlow(walk, ending, durationMs),
    keep: (record, kept) => writer.push({ record, kept }),
    signals: async (from) => {
      await writeCounts()
      return minuteStore.signals({ from: from - (from % MINUTE_MS), to: clock.now() + 1 })
    },
    speeds: async (from) => {
      await writeCounts()
      return speedsOf(await minuteStore.speeds({ from: from - (from % MINUTE_MS), to: clock.now() + 1 }, textRoutes))
    },
    reconfigure: (next) => {
      settings = next
      keeps = keepingOf(next)
      tellSlow = slowLogOf(next)
    },
    start: async () => {
      await keepDays()
      timers.push(clock.every(COUNTS_EVERY_MS, () => void writeCounts()))
      timers.push(clock.every(ROLL_UP_EVERY_MS, () => void rollUp()))
      timers.push(clock.every(HOUR_MS, () => void keepDays()))
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      await writer.stop()
      await writeCounts()
    },
  }
}
