import { Type } from 'typebox'
import { group } from './schema-parts.ts'

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
    link_minutes: Type.Integer({
      minimum: 1,
      maximum: 1_440,
      default: 60,
      description: 'Minutes that a link to such an archive holds.',
    }),
  },
  'Requests of people for their data.',
)
