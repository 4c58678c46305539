import { Type } from 'typebox'
import { count, group, named } from './schema-parts.ts'

const TIME = '^([01][0-9]|2[0-3]):[0-5][0-9]$'
export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const

/** How many replicas there should be; told, never done. */
export const ScalingSchema = group(
  {
    target_percent: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 70,
      description: 'How loaded a replica is to be: of the time of its event loop, and of the places at providers.',
    }),
    min_replicas: Type.Integer({ minimum: 0, maximum: 10_000, default: 1, description: 'Fewest replicas.' }),
    max_replicas: Type.Integer({ minimum: 1, maximum: 10_000, default: 10, description: 'Most replicas.' }),
    calls_per_minute: Type.Optional(
      count('Calls per minute that one replica serves as loaded as it is to be; absent: learned from those that come.'),
    ),
    forecast_minutes: Type.Integer({
      minimum: 0,
      maximum: 720,
      default: 15,
      description: 'How far ahead is looked: the time that a replica takes to start, and some more.',
    }),
    schedule: named(
      '^[a-z0-9][a-z0-9_-]{0,63}$',
      group(
        {
          days: Type.Optional(
            Type.Array(Type.Enum([...weekdays]), { description: 'On which days it begins; absent: on all.' }),
          ),
          from: Type.String({ pattern: TIME, description: 'When it begins, UTC, such as "08:30".' }),
          to: Type.String({ pattern: TIME, description: 'When it ends; before `from`: on the next day.' }),
          replicas: Type.Integer({ minimum: 0, maximum: 10_000, description: 'Replicas that there are at least.' }),
        },
        'Replicas at certain times.',
      ),
      { description: 'Times at which there are to be more replicas, by name.' },
    ),
  },
  'How many replicas `/admin/v1/scaling` and its metrics ask for.',
)
