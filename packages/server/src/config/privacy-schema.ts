import { Type } from 'typebox'
import { group, named } from './schema-parts.ts'

const purposes = (value: string[], description: string) =>
  Type.Array(Type.String({ pattern: '^[a-z][a-z0-9_.-]{0,63}$' }), { maxItems: 100, default: value, description })

/** Answering what people ask for of their data. */
export const PrivacySchema = group(
  {
    target_days: Type.Integer({
      minimum: 1,
      maximum: 30,
      default: 7,
      description:
        'Days within which requests of people are promised to be answered; the law’s time is never exceeded by it.',
    }),
    archive_days: Type.Integer({
      minimum: 1,
      maximum: 30,
      default: 7,
      description: 'Days that the archive of a person’s data can be fetched; then it is erased.',
    }),
    erasure_journal: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'File that each erasure is noted in, without a name, so that it is done again after a backup from before was restored; keep it apart from the database. Absent: `erasures.jsonl` in `data_dir`.',
      }),
    ),
    consent_purposes: purposes(
      ['sale_or_sharing', 'analytics', 'training', 'memory_learning', 'memory_recall'],
      'What people can agree to or withdraw. Headgate itself asks for `memory_learning` (learning from sessions) and `memory_recall` (memories before calls); your app asks `GET /v1/consents` for the others.',
    ),
    opt_in_purposes: purposes([], 'Purposes that need a consent; all others are allowed until somebody withdraws.'),
    gpc_purposes: purposes(
      ['sale_or_sharing', 'analytics', 'training'],
      'Purposes that `Sec-GPC: 1` of a browser ends (Global Privacy Control): for the call, and written down as withdrawn.',
    ),
    recipient_countries: named('^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$', Type.String({ pattern: '^[A-Z]{2}$' }), {
      default: {},
      description:
        'Countries (ISO 3166-1) in which providers work on what they are sent, by name of the provider or host: for the record of processing and the assessment.',
    }),
    link_minutes: Type.Integer({
      minimum: 1,
      maximum: 1_440,
      default: 60,
      description: 'Minutes that a link to such an archive holds.',
    }),
  },
  'Requests of people for their data.',
)
