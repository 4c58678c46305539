import { BackupJobSchema, type BackupList, BackupListSchema, BackupPathSchema } from '@headgate/contract/backups.ts'
import { Type } from 'typebox'
import type { Clock } from '../../kernel/clock.ts'
import type { Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { BackupFacts } from './backups.ports.ts'
import type { JobKind, JobStore } from './jobs.store.ts'
import { UNTRIED_MS } from './measures.ts'
import { presentBackup, presentCopy, presentJob } from './presentation.ts'

export interface BackupRoutes {
  readonly clock: Clock
  readonly jobs: Pick<JobStore, 'create' | 'newest' | 'verdicts'>
  /** What lies in the folder of backups. @throws AppError `backup_unavailable` where none are made here */
  readonly facts: () => BackupFacts
  readonly record: (
    transaction: Transaction,
    entry: { actor: string; requestId?: string; action: string; resource: string; after: object },
  ) => Promise<void>
  /** @throws AppError `backup_unavailable` where no server makes or verifies backups */
  readonly assertMade: () => void
  /** Has this process look for what waits, if it is the one that makes backups. */
  readonly begin: () => void
}

const MOST_BACKUPS = 100
const MOST_JOBS = 20

/** What operators see of backups, and ask for. */
export const backupRoutes = ({ clock, jobs, facts, assertMade, record, begin }: BackupRoutes): Route[] => {
  const list = async (): Promise<BackupList> => {
    const here = facts()
    const [backups, archivedAt, waiting, drilledAt, oldestAt, copy, verdicts, newest] = await Promise.all([
      here.list(MOST_BACKUPS),
      here.archivedAt(),
      here.waiting(),
      here.drilledAt(),
      here.oldestAt(),
      here.copy(),
      jobs.verdicts(),
      jobs.newest(MOST_JOBS),
    ])
    const now = clock.now()
    const to = Math.max(archivedAt ?? 0, ...backups.map((one) => one.facts?.from ?? 0))
    const untriedSince = drilledAt ?? oldestAt
    return {
      object: 'list',
      data: backups.map((one) =>
        presentBackup(
          one,
          verdicts.find(({ backup }) => backup === one.id),
        ),
      ),
      recoverable:
        oldestAt === null ? null : { from: new Date(oldestAt).toISOString(), to: new Date(to).toISOString() },
      archive: {
        waiting: waiting.count,
        lag_seconds: waiting.since === null ? 0 : Math.max(0, Math.round((now - waiting.since) / 1_000)),
      },
      copy: presentCopy(copy),
      drill: {
        passed_at: drilledAt === null ? null : new Date(drilledAt).toISOString(),
        overdue: here.drills && untriedSince !== null && now - untriedSince > UNTRIED_MS,
      },
      jobs: newest.map(presentJob),
    }
  }
  const ask = async (kind: JobKind, backup: string | null, { actor, requestId }: AdminInput) => {
    const id = prefixedId('bkj', clock.now())
    const job = await jobs.create(id, kind, backup, (transaction) =>
      record(transaction, {
        ...{ actor, requestId },
        action: kind === 'run' ? 'backup.requested' : 'backup.verification_requested',
        resource: backup === null ? 'backup' : `backup/${backup}`,
        after: { job: id },
      }),
    )
    if (job === null) throw new AppError('backup_running')
    begin()
    return { kind: 'json' as const, status: 202, value: presentJob(job) }
  }
  const empty = Type.Object({}, { additionalProperties: false })

  return [
    defineRoute({
      method: 'GET',
      path: '/admin/v1/backups',
      access: 'admin',
      permission: 'backups:read',
      summary:
        'Backups that there are, what can be restored, how far the archive and the copy are, and what is under way.',
      reference: {
        operationId: 'listBackups',
        tag: 'Backups',
        answer: BackupListSchema,
        errors: ['backup_unavailable', 'backup_failed'],
      },
      handle: async () => ({ kind: 'json', value: await list() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/admin/v1/backups',
      access: 'admin',
      permission: 'backups:write',
      summary: 'Has a base backup made; how far it is stands among the jobs of the list.',
      body: empty,
      reference: {
        operationId: 'makeBackup',
        tag: 'Backups',
        description: 'One at a time. It is made beside the calls, and counts once it was read back whole.',
        answer: BackupJobSchema,
        status: 202,
        errors: ['backup_unavailable', 'backup_running'],
      },
      handle: async (input) => {
        facts()
        assertMade()
        return ask('run', null, input)
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/admin/v1/backups/:backup_id/verify',
      access: 'admin',
      permission: 'backups:write',
      summary: 'Has a backup read whole and compared with what was written.',
      body: empty,
      reference: {
        operationId: 'verifyBackup',
        tag: 'Backups',
        description:
          'Where `backups.identity_file` names an identity that the server can read, everything is decrypted; else only what lies there is compared with the signed list.',
        params: BackupPathSchema,
        answer: BackupJobSchema,
        status: 202,
        errors: ['backup_unavailable', 'backup_not_found', 'backup_running', 'backup_failed'],
      },
      handle: async (input) => {
        assertMade()
        const id = input.params['backup_id'] ?? ''
        if (!(await facts().has(id)))
          throw new AppError('backup_not_found', { detail: 'There is no backup of this id.' })
        return ask('verify', id, input)
      },
    }),
  ]
}
