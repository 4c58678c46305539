import { Type } from 'typebox'
import { count, group, named } from './schema-parts.ts'

const days = { minimum: 0, maximum: 36_500 } as const

/** Conversations that are kept. */
export const SessionsSchema = group(
  {
    max_sessions: count('Most sessions of one person, or of a project for calls that name nobody.', 100_000),
    max_messages: count('Most messages of one session, all branches together.', 10_000),
    max_message_bytes: count('Largest message, with its pictures and sounds.', 4_194_304),
    max_import_bytes: count('Largest document that `POST /v1/sessions/import` takes.', 8_388_608),
    owner_bytes: count(
      'Most bytes of all sessions of one person, or of a project for calls that name nobody.',
      1_073_741_824,
    ),
    context_tokens: Type.Integer({
      minimum: 256,
      maximum: 2_000_000,
      default: 16_000,
      description:
        'Most tokens of former messages that a call with `x-headgate-session` gets, unless its session says otherwise.',
    }),
    summary_model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Model that sums up what no longer fits, a small one; absent: the model of the call.',
      }),
    ),
    keep_days: Type.Integer({
      ...days,
      default: 0,
      description: 'Days after its last change that a session is deleted; 0: it is kept.',
    }),
    project_keep_days: named('^[a-z0-9][a-z0-9_-]{0,63}$', Type.Integer(days), {
      default: {},
      description: 'The same for single projects, by id; 0: theirs are kept.',
    }),
    tombstone_days: count('Days that `GET /v1/sync` tells what was deleted.', 90),
  },
  'Sessions at `/v1/sessions`.',
)
