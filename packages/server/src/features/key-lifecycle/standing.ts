import type { KeyDue, KeyKind, RegisteredKey } from '@headgate/contract/key-lifecycle.ts'
import type { KeyRecord, RotationSchedule } from './key-lifecycle.ports.ts'

const DAY_MS = 86_400_000

/** How a key stands at a moment. */
export interface Judged {
  readonly key: RegisteredKey
  /** The next end or rotation that somebody has to see to, in milliseconds; null: none. */
  readonly nextDueAt: number | null
}

const printed = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())

const dueOf = (nextDueAt: number | null, rotationDueAt: number | null, now: number, warnMs: number): KeyDue => {
  if (rotationDueAt !== null && rotationDueAt <= now) return 'overdue'
  return nextDueAt !== null && nextDueAt - now <= warnMs ? 'soon' : 'no'
}

/**
 * Judges a key by the schedule of its kind. Only what is active can be due: what retires ends by itself, and what has ended needs nobody.
 */
export const judgeKey = (kind: KeyKind, record: KeyRecord, schedule: RotationSchedule, now: number): Judged => {
  const { createdAt, expiresAt } = record
  const hasEnded = expiresAt !== null && expiresAt <= now
  const state = hasEnded && ['active', 'retiring', 'suspended'].includes(record.state) ? 'expired' : record.state
  const days = schedule.days[kind] ?? 0
  const since = record.since === undefined ? createdAt : record.since
  const isActive = state === 'active'
  const rotationDueAt = isActive && days > 0 && since !== null ? since + days * DAY_MS : null
  const ends = isActive && record.warns !== false ? expiresAt : null
  const nextDueAt = rotationDueAt === null ? ends : Math.min(rotationDueAt, ends ?? Number.POSITIVE_INFINITY)
  return {
    nextDueAt,
    key: {
      object: 'registered_key',
      kind,
      id: record.id,
      label: record.label,
      owner: record.owner,
      state,
      created_at: printed(createdAt),
      last_used_at: printed(record.lastUsedAt),
      expires_at: printed(expiresAt),
      rotation_due_at: printed(rotationDueAt),
      due: dueOf(nextDueAt, rotationDueAt, now, schedule.warnDays * DAY_MS),
      uses: record.uses ?? null,
      note: record.note ?? null,
    },
  }
}
