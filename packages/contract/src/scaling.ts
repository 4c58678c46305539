import { Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** Answer of `GET /admin/v1/scaling`. */
export const ScalingSchema = Type.Object(
  {
    object: Type.Literal('scaling'),
    desired_replicas: Type.Integer(),
    decided_by: Type.Enum(['load', 'forecast', 'schedule', 'minimum', 'maximum']),
    replicas: Type.Integer({ description: 'That answered calls in the last minutes; at least one.' }),
    minimum: Type.Integer(),
    maximum: Type.Integer(),
    load: Type.Object(
      {
        value: Type.Number({ description: 'Of the process that answers; 1: as loaded as is wanted.' }),
        target_percent: Type.Integer(),
        loop_utilisation: Type.Number({ description: 'Part of the time in which its event loop was busy.' }),
        in_flight: Type.Integer({ description: 'Calls under way at providers.' }),
        waiting: Type.Integer(),
        limit: Type.Integer({ description: 'Calls that may be under way.' }),
      },
      { ...closed, title: 'ScalingLoad' },
    ),
    calls_per_minute: Type.Number({ description: 'Of all replicas, over the last five minutes.' }),
    capacity_per_replica: Type.Union([Type.Number(), Type.Null()], {
      description: 'Calls per minute of one replica at the wanted load; null while nothing is known of it.',
    }),
    forecast: Type.Object(
      {
        minutes: Type.Integer({ description: 'How far ahead is looked.' }),
        calls_per_minute: Type.Number({ description: 'The most that is expected until then.' }),
        weeks: Type.Integer({ description: 'Weeks that it was learned from.' }),
      },
      { ...closed, title: 'ScalingForecast' },
    ),
    schedule: Type.Union([
      Type.Object({ name: Type.String(), replicas: Type.Integer() }, { ...closed, title: 'ScheduledReplicas' }),
      Type.Null(),
    ]),
  },
  { ...closed, title: 'Scaling' },
)
