import { Type } from 'typebox'
import { bucketSchema } from './bucket-schema.ts'
import { group } from './schema-parts.ts'

const folder = (description: string) => Type.Optional(Type.String({ minLength: 1, 'x-path': true, description }))

const kept = (what: string, value: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 366,
    default: value,
    description: `The first one of each of the newest ${what} (UTC) that have any, so many of them.`,
  })

/** What makes backups, the options of pgBackRest, and what Headgate’s own backups of the embedded store need. */
export const BackupsSchema = group(
  {
    engine: Type.Enum(['headgate', 'pgbackrest'], {
      default: 'headgate',
      description:
        '`headgate`: the embedded PostgreSQL, by Headgate itself. `pgbackrest`: an external one (`database_url`), by pgBackRest.',
    }),
    pgbackrest: group(
      {
        stanza: Type.Optional(
          Type.String({
            pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$',
            description: 'Stanza of the database in the configuration of pgBackRest.',
          }),
        ),
        config_file: folder('Configuration file of pgBackRest; absent: the one that it looks for itself.'),
        program: Type.String({
          pattern: '^(?:/.{1,4000}|[A-Za-z0-9][A-Za-z0-9_.-]{0,99})$',
          default: 'pgbackrest',
          description: 'Name of the program in the folders of `PATH`, or its absolute path.',
        }),
        full_every_days: Type.Integer({
          minimum: 1,
          maximum: 366,
          default: 7,
          description:
            'Days after the newest full backup at which `backup run` makes another; before, only what changed since.',
        }),
      },
      'pgBackRest, which the commands `headgate backup …` drive where `engine` is `pgbackrest`.',
    ),
    directory: folder(
      'Folder that backups are written to, on another disk; absent: none are made. Set, the embedded PostgreSQL archives its WAL there.',
    ),
    recipients: Type.Array(Type.String({ pattern: '^age1[0-9a-z]{50,4000}$' }), {
      default: [],
      description: 'Who can open backups: public keys of age (`age1…`), made with `age-keygen`.',
    }),
    keys_directory: folder(
      'Folder that the root key of the data folder is backed up to, for 7 days each; elsewhere than `directory`. Absent: it is not backed up.',
    ),
    every_hours: Type.Integer({
      minimum: 0,
      maximum: 168,
      default: 24,
      description: 'Hours after the newest base backup at which the server makes another; 0: it makes none by itself.',
    }),
    keep: group(
      {
        hourly: kept('hours', 0),
        daily: kept('days', 7),
        weekly: kept('weeks', 4),
      },
      'Base backups that stay, with the WAL and the contents that they need; the newest always does.',
    ),
    copy: group(
      {
        directory: folder('Second folder, in another place, that all of `directory` is copied to.'),
        keys_directory: folder('Second folder that the root key is backed up to.'),
        s3: bucketSchema('A bucket in another place that all of `directory` is copied to.', 'none'),
        alarm_minutes: Type.Integer({
          minimum: 1,
          maximum: 10_080,
          default: 15,
          description: 'Minutes that the copy may be behind before it is told to receivers of alerts.',
        }),
      },
      'A copy of the backups elsewhere, made in the background.',
    ),
    identity_file: folder(
      'File with an identity of age that opens the backups, for `verify`, `restore` and `drill`; absent: `--identity`.',
    ),
  },
  'Backups of the embedded PostgreSQL, or by pgBackRest of an external one.',
)
