import type { Clock } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import type { LeakPorts, ReliefPorts } from './guards.ports.ts'
import { watchLeaks } from './leak-watch.ts'
import { createRelief } from './relief.ts'

interface GuardsOptions extends ReliefPorts {
  readonly clock: Clock
  readonly log: Log
  /** Window of the leak watch in milliseconds; 0: there is none. */
  readonly leakWindowMs: () => number
  readonly leak: LeakPorts
}

/** Watches over the memory of this process, so that running out of it is never the first sign. */
export const createGuards = ({ clock, log, leakWindowMs, leak, ...ports }: GuardsOptions) => {
  const relief = createRelief(clock, log, ports)
  const leaks = watchLeaks(clock, log, leakWindowMs, leak)
  const feature: Feature = {
    name: 'guards',
    stop: async () => {
      relief.stop()
      leaks.stop()
    },
  }
  return { ...feature, stage: relief.stage, heapTrend: leaks.trend }
}
