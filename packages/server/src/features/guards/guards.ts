import type { Clock } from '../../kernel/clock.ts'
import type { Feature, HealthReport } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { GuardEvent, LeakPorts, ReliefPorts, TellGuardEvent } from './guards.ports.ts'
import { watchLeaks } from './leak-watch.ts'
import { createRelief } from './relief.ts'

interface GuardsOptions extends ReliefPorts {
  readonly clock: Clock
  readonly log: Log
  /** Window of the leak watch in milliseconds; 0: there is none. */
  readonly leakWindowMs: () => number
  readonly leak: Omit<LeakPorts, 'tell'>
}

/** The same is told again after this long at the earliest: a process at its bound goes to and fro. */
const TELL_EVERY_MS = 3_600_000

const seldom = (clock: Clock, tell: TellGuardEvent): TellGuardEvent => {
  const toldAt = new Map<GuardEvent['name'], number>()
  return (event) => {
    const now = clock.monotonic()
    if (now - (toldAt.get(event.name) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return
    toldAt.set(event.name, now)
    tell(event)
  }
}

/** Watches over the memory of this process, so that running out of it is never the first sign. */
export const createGuards = ({ clock, log, leakWindowMs, leak, ...ports }: GuardsOptions) => {
  const tell = seldom(clock, ports.tell)
  const relief = createRelief(clock, log, { ...ports, tell })
  const leaks = watchLeaks(clock, log, leakWindowMs, { ...leak, tell })
  const feature: Feature = {
    name: 'guards',
    // Still one that wants traffic: it refuses what it cannot bear by itself.
    health: (): HealthReport => ({ state: relief.stage().stage === 'calm' ? 'ok' : 'degraded' }),
    stop: async () => {
      relief.stop()
      leaks.stop()
    },
  }
  return { ...feature, stage: relief.stage, heapTrend: leaks.trend }
}
