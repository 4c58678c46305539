import { type Static, Type } from 'typebox'

const time = Type.String({ format: 'date-time' })
const orNull = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const count = (description: string) => Type.Integer({ minimum: 0, description })

/** A backup that is made, or looked at. */
export const BackupJobSchema = Type.Object(
  {
    object: Type.Literal('backup_job'),
    id: Type.String(),
    kind: Type.Union([Type.Literal('run'), Type.Literal('verify')]),
    backup: orNull(Type.String({ description: 'The backup that it made, or looks at.' })),
    state: Type.Union([Type.Literal('queued'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    stage: orNull(Type.String({ description: '`files`, `archive`, `wal` or `contents`.' })),
    done_bytes: count('Of the files of the database.'),
    total_bytes: count('0 until it is known.'),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
    created_at: time,
    started_at: orNull(time),
    ended_at: orNull(time),
  },
  { title: 'BackupJob' },
)
export type BackupJob = Static<typeof BackupJobSchema>

/** One base backup. */
export const BackupSchema = Type.Object(
  {
    object: Type.Literal('backup'),
    id: Type.String(),
    state: Type.Union([Type.Literal('complete'), Type.Literal('unreadable')], {
      description:
        '`unreadable`: its list was changed or cannot be read, or pgBackRest found pages with wrong checksums. What it holds is known once it was verified.',
    }),
    finished_at: orNull(time),
    restores_from: orNull(Type.String({ format: 'date-time', description: 'The earliest time that it restores to.' })),
    timeline: orNull(Type.Integer()),
    bytes: orNull(Type.Integer({ description: 'Of the files of the database.' })),
    stored_bytes: orNull(Type.Integer({ description: 'Compressed and encrypted.' })),
    objects: orNull(
      Type.Integer({ description: 'Contents of assets; null: they are in a bucket, or backed up by something else.' }),
    ),
    verified_at: orNull(time),
    verified: Type.Union([Type.Boolean(), Type.Null()], {
      description: 'What the last verification here found; null: none in the last 90 days.',
    }),
  },
  { title: 'Backup' },
)
export type Backup = Static<typeof BackupSchema>

/** Answer of `GET /admin/v1/backups`. */
export const BackupListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(BackupSchema, { description: 'The newest first, at most 100.' }),
    recoverable: Type.Union([Type.Object({ from: time, to: time }), Type.Null()], {
      description: 'Times that can be restored to: from the oldest backup to the newest change that was archived.',
    }),
    archive: Type.Object({
      waiting: count('Segments of the WAL that PostgreSQL has archived and that were not taken over.'),
      lag_seconds: count('Age of the oldest of them.'),
    }),
    copy: Type.Union([
      Type.Object({
        place: Type.String(),
        lag_seconds: count('Age of the oldest file that is not there yet.'),
        files_left: count('Files that are not there yet.'),
        bytes_left: count('Their bytes.'),
        copied_at: orNull(time),
        failure: orNull(Type.String()),
      }),
      Type.Null(),
    ]),
    drill: Type.Object({
      passed_at: orNull(time),
      overdue: Type.Boolean({ description: 'None has passed for 8 days.' }),
    }),
    jobs: Type.Array(BackupJobSchema, { description: 'The newest first, at most 20.' }),
  },
  { title: 'BackupList' },
)
export type BackupList = Static<typeof BackupListSchema>

export const BackupPathSchema = Type.Object({
  backup_id: Type.String({ description: 'Of the backup.', examples: ['20260504T120000Z-1a2b'] }),
})
