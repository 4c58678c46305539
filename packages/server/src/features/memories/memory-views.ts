import type { MemoryLine, MemoryView } from '@headgate/contract/memories.ts'
import type { StoredMemory } from './memories.ports.ts'
import { etagOf } from './memory-owner.ts'

const DAY_MS = 86_400_000
const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000)

/** A time that may be left out, of seconds since 1970. */
export const dateOf = (at: number | null | undefined): Date | null =>
  typeof at === 'number' ? new Date(at * 1_000) : null

/** How it is now. */
export interface ViewTime {
  readonly now: number
  readonly staleDays: number
}

/** Whether nobody has said so for long. */
export const isStale = ({ confirmedAt }: Pick<StoredMemory, 'confirmedAt'>, { now, staleDays }: ViewTime): boolean =>
  now - confirmedAt.getTime() > staleDays * DAY_MS

/** A memory as callers see it. */
export const memoryView = (stored: StoredMemory, time: ViewTime): MemoryView => ({
  id: stored.id,
  object: 'memory',
  text: stored.text,
  kind: stored.kind,
  scope: stored.scope,
  confidence: stored.confidence,
  sources: stored.sources.map(({ type, id, confidence, notedAt }) => ({ type, id, confidence, noted_at: notedAt })),
  is_stale: isStale(stored, time),
  expires_at: stored.expiresAt === null ? null : seconds(stored.expiresAt),
  created_at: seconds(stored.createdAt),
  updated_at: seconds(stored.updatedAt),
  confirmed_at: seconds(stored.confirmedAt),
  etag: etagOf(stored.version),
})

/** A memory as a line that can be brought in again. */
export const memoryLine = (stored: StoredMemory): MemoryLine => ({
  text: stored.text,
  kind: stored.kind,
  scope: stored.scope,
  confidence: stored.confidence,
  expires_at: stored.expiresAt === null ? null : seconds(stored.expiresAt),
  sources: stored.sources.map(({ type, id, confidence, notedAt }) => ({ type, id, confidence, noted_at: notedAt })),
  created_at: seconds(stored.createdAt),
  confirmed_at: seconds(stored.confirmedAt),
})

const units = [
  ['year', 365 * DAY_MS],
  ['month', 30 * DAY_MS],
  ['day', DAY_MS],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** How long ago, in the largest unit that is whole. */
export const ageOf = (at: Date, now: number): string => {
  const passed = now - at.getTime()
  const [unit, length] = units.find(([, length]) => passed >= length) ?? ['second', 1_000]
  const many = Math.max(0, Math.floor(passed / length))
  return `${many} ${unit}${many === 1 ? '' : 's'}`
}

/** A page of a list, of what was read with one more than is shown. */
export const pageView = <View>(found: readonly StoredMemory[], limit: number, view: (memory: StoredMemory) => View) => {
  const shown = found.slice(0, limit)
  const hasMore = found.length > limit
  return {
    object: 'list' as const,
    data: shown.map(view),
    has_more: hasMore,
    next_cursor: hasMore ? (shown.at(-1)?.id ?? null) : null,
  }
}
