import type { Backup, BackupJob, BackupList } from '@headgate/contract/backups.ts'
import type { CopyStanding, ListedBackup } from './backups.ports.ts'
import type { StoredJob } from './jobs.store.ts'

const timeOf = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : new Date(at).toISOString()

/** A job as operators see it. */
export const presentJob = (job: StoredJob): BackupJob => ({
  object: 'backup_job',
  id: job.id,
  kind: job.kind,
  backup: job.backup,
  state: job.state,
  stage: job.stage,
  done_bytes: job.doneBytes,
  total_bytes: job.totalBytes,
  error: job.code === null ? null : { code: job.code, message: job.detail ?? '' },
  created_at: new Date(job.createdAt).toISOString(),
  started_at: timeOf(job.startedAt),
  ended_at: timeOf(job.endedAt),
})

/** A base backup as operators see it. */
export const presentBackup = (
  { id, facts }: ListedBackup,
  verdict: { readonly at: number; readonly passed: boolean } | undefined,
): Backup => ({
  object: 'backup',
  id,
  state: facts === null ? 'unreadable' : 'complete',
  finished_at: timeOf(facts?.finishedAt),
  restores_from: timeOf(facts?.from),
  timeline: facts?.timeline ?? null,
  bytes: facts?.bytes ?? null,
  stored_bytes: facts?.storedBytes ?? null,
  objects: facts?.objects ?? null,
  verified_at: timeOf(verdict?.at),
  verified: verdict?.passed ?? null,
})

/** The copy as operators see it. */
export const presentCopy = (copy: CopyStanding | null): BackupList['copy'] =>
  copy === null
    ? null
    : {
        place: copy.place,
        lag_seconds: copy.lag_seconds,
        files_left: copy.files_left,
        bytes_left: copy.bytes_left,
        copied_at: timeOf(copy.copied_at),
        failure: copy.failure,
      }
