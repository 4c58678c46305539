/** Gauges of backups, of the process that makes them. NaN where it is not known, and in every other process. */
export const backupGauges = {
  backupAge: { name: 'headgate_backup_age_seconds', help: 'Age of the newest base backup.' },
  backupDuration: { name: 'headgate_backup_duration_seconds', help: 'How long the newest base backup took.' },
  backupBytes: { name: 'headgate_backup_stored_bytes', help: 'Size of the newest base backup, as it is stored.' },
  backupArchiveLag: {
    name: 'headgate_backup_archive_lag_seconds',
    help: 'Age of the oldest segment of the WAL that waits to be backed up; 0: none waits.',
  },
  backupCopyLag: {
    name: 'headgate_backup_copy_lag_seconds',
    help: 'Age of the oldest file of the backups that is not in the second place; 0: all are.',
  },
  backupDrillAge: { name: 'headgate_backup_drill_age_seconds', help: 'Time since a drill of a restore has passed.' },
  backupFailures: { name: 'headgate_backup_failures', help: 'Times that backups could not be made since the start.' },
} as const
