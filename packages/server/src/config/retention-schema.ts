import { Type } from 'typebox'
import { group, named } from './schema-parts.ts'

const whole = (minimum: number, maximum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum, default: value, description })
const age = Type.Integer({ minimum: 0, maximum: 36_500 })
const classes = 'sessions|memories|assets|responses'

/** How long rows stay. */
export const RetentionSchema = group(
  {
    ledger_months: whole(
      0,
      1_200,
      0,
      'Whole months that rows of the ledger stay, 12 at least; what they came to stays by the day. 0: the rows stay too.',
    ),
    erasure_settle_minutes: whole(
      0,
      4_320,
      60,
      'Minutes after which the erasure of a person is looked at once more, for what calls under way, journals and other replicas wrote late.',
    ),
    days: named(`^(${classes})$`, age, {
      default: {},
      description:
        'Days that sessions, memories, assets and responses are kept after they were last changed, or said again, by class; 0: for ever. Without `sessions`, `sessions.keep_days` counts.',
    }),
    project_days: named(`^[a-z0-9][a-z0-9_-]{0,63}/(${classes})$`, age, {
      default: {},
      description: 'The same for single projects: names are `project/class`.',
    }),
  },
  'How long rows stay; those of requests by `requests.keep_days` and `stats_days`.',
)
