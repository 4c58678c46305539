import { minuteOfDay } from '../features/scaling/desired.ts'
import { createScaling } from '../features/scaling/scaling.ts'
import type { ScalingSettings } from '../features/scaling/scaling.ports.ts'
import { createPaceStore } from '../features/requests/pace.store.ts'
import type { Queue } from '../features/queue/queue.ts'
import type { Settings } from '../config/config.ts'
import { weekdays } from '../config/scaling-schema.ts'
import { systemClock } from '../kernel/clock.ts'
import { type BackupRoomOptions, createBackupRoom, gaugesOfBackups } from './backups.ts'
import { alone, crewFeatures, labelsOf } from './crew.ts'
import type { Ground } from './house.ts'

const settingsOf = ({ scaling }: Settings['config']): ScalingSettings => ({
  targetLoad: scaling.target_percent / 100,
  minimum: scaling.min_replicas,
  maximum: Math.max(scaling.min_replicas, scaling.max_replicas),
  callsPerMinute: scaling.calls_per_minute ?? null,
  forecastMinutes: scaling.forecast_minutes,
  schedule: Object.entries(scaling.schedule).map(([name, { days, from, to, replicas }]) => ({
    name,
    days: (days ?? weekdays).map((day) => weekdays.indexOf(day)),
    from: minuteOfDay(from),
    to: minuteOfDay(to),
    replicas,
  })),
})

/** Part of the time since the last look in which the event loop was busy; one look a second at most. */
const watchLoop = () => {
  let last = performance.eventLoopUtilization()
  let lookedAt = performance.now()
  let utilisation = 0
  return (): number => {
    if (performance.now() - lookedAt < 1_000) return utilisation
    const now = performance.eventLoopUtilization()
    utilisation = performance.eventLoopUtilization(now, last).utilization
    last = now
    lookedAt = performance.now()
    return utilisation
  }
}

interface HintPorts extends Pick<BackupRoomOptions, 'record' | 'tell'> {
  readonly settings: () => Settings
  readonly queue: () => Pick<Queue, 'read'>
}

/** What looks after the house from outside of calls: backups, and how many processes there are and should be. Features, and gauges for metrics. */
export const createHints = (given: Ground, { settings, queue, record, tell }: HintPorts) => {
  const { storage, log, clock = systemClock, crew = alone } = given
  const loopUtilisation = watchLoop()
  const scaling = createScaling({
    clock,
    log,
    settings: () => settingsOf(settings().config),
    work: () => {
      const gates = queue().read()
      const sum = (pick: (gate: (typeof gates)[number]) => number) =>
        gates.reduce((total, gate) => total + pick(gate), 0)
      return {
        loopUtilisation: loopUtilisation(),
        inFlight: sum(({ inFlight }) => inFlight),
        waiting: sum(({ waiting }) => waiting),
        limit: sum(({ limit }) => limit),
      }
    },
    pace: createPaceStore(storage.database),
    processes: crew.size,
  })
  const backups = createBackupRoom({
    ...{ settings: given.settings, database: storage.database, clock, log, record, tell },
    ...{ isFirst: crew.number === 1, connection: () => storage.connection },
  })
  return {
    features: [backups, scaling, ...crewFeatures(crew)],
    labels: labelsOf(crew),
    gauges: {
      ...gaugesOfBackups(backups),
      loopUtilisation,
      scalingLoad: () => scaling.read().load,
      scalingDesired: () => scaling.read().desired,
      scalingForecast: () => scaling.read().forecast,
    },
  }
}
