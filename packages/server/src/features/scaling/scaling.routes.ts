import { ScalingSchema } from '@headgate/contract/scaling.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { ScalingReading } from './reading.ts'
import type { ScalingSettings } from './scaling.ports.ts'

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

/** Declares what operators are told of how many replicas there should be. */
export const scalingRoutes = (ports: {
  readonly read: () => Promise<ScalingReading>
  readonly settings: () => ScalingSettings
}): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/scaling',
    access: 'admin',
    permission: 'metrics:read',
    summary: 'How many replicas there should be, and why: load, forecast and schedule.',
    reference: { operationId: 'getScaling', tag: 'Status', answer: ScalingSchema },
    handle: async () => {
      const reading = await ports.read()
      const { minimum, maximum, targetLoad, forecastMinutes } = ports.settings()
      const { work, scheduled } = reading
      return {
        kind: 'json',
        value: {
          object: 'scaling',
          desired_replicas: reading.desired,
          decided_by: reading.decidedBy,
          replicas: reading.replicas,
          minimum,
          maximum,
          load: {
            value: rounded(reading.load),
            target_percent: Math.round(targetLoad * 100),
            loop_utilisation: rounded(work.loopUtilisation),
            in_flight: work.inFlight,
            waiting: work.waiting,
            limit: work.limit,
          },
          calls_per_minute: rounded(reading.callsPerMinute),
          capacity_per_replica: reading.capacity === null ? null : rounded(reading.capacity),
          forecast: { minutes: forecastMinutes, calls_per_minute: rounded(reading.forecast), weeks: reading.weeks },
          schedule: scheduled && { name: scheduled.name, replicas: scheduled.replicas },
        },
      }
    },
  }),
]
