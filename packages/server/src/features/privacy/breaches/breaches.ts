import type { Breach, ChangeBreach, OpenBreach } from '@headgate/contract/privacy-breaches.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { AppError } from '../../../kernel/errors.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import type { ErasurePorts, Requester } from '../erasures.ts'
import type { Affected, BreachChange, BreachRow, BreachStore } from './breaches.store.ts'

export interface BreachPorts {
  readonly store: BreachStore
  readonly clock: Clock
  readonly record: ErasurePorts['record']
}

const HOUR_MS = 3_600_000
/** Regulation (EU) 2016/679 (GDPR), Article 33(1): not later than 72 hours after having become aware of it. */
const NOTIFY_HOURS = 72

const time = (at: Date | null): string | null => at?.toISOString() ?? null

const stateOf = (row: BreachRow, now: number): Breach['state'] => {
  if (row.closed_at !== null) return 'closed'
  if (row.notified_at !== null) return 'notified'
  if (row.risk === 'unlikely') return 'not_due'
  return row.notify_by.getTime() < now ? 'overdue' : 'due'
}

const present = (row: BreachRow, now: number, affected: Affected | null): Breach => ({
  object: 'breach',
  id: row.breach_id,
  title: row.title,
  description: row.description,
  projects: [...row.projects],
  tables: [...row.tables],
  risk: row.risk,
  state: stateOf(row, now),
  aware_at: row.aware_at.toISOString(),
  notify_by: row.notify_by.toISOString(),
  hours_left: Math.floor((row.notify_by.getTime() - now) / HOUR_MS),
  notified_at: time(row.notified_at),
  reference: row.reference,
  delay_reason: row.delay_reason,
  people_told_at: time(row.people_told_at),
  closed_at: time(row.closed_at),
  affected: affected === null ? null : { people: affected.people, rows: { ...affected.tables } },
})

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { details: [{ location, message, fix }] })

/** Breaches of personal data, from becoming aware of them until the authority and the people were told. */
export const createBreaches = ({ store, clock, record }: BreachPorts) => {
  let known: Awaited<ReturnType<BreachStore['open']>> = { open: 0, overdue: 0, due: null }
  /** Those of which the authority has still to be told. */
  const due = async () => {
    known = await store.open()
    return known
  }
  const past = (location: string, text: string | undefined): Date | undefined => {
    if (text === undefined) return undefined
    const at = new Date(text)
    if (at.getTime() <= clock.now()) return at
    throw refuse(location, 'is no time that has been', 'Name one that has.')
  }
  const noted = (action: string, id: string, by: Requester) => ({
    ...{ actor: by.actor, action, resource: `breach/${id}`, requestId: by.requestId },
  })

  return {
    /** Starts the clock. @throws AppError `invalid_parameter` for a table without people, or a time to come */
    open: async (given: OpenBreach, by: Requester): Promise<Breach> => {
      const unknown = (given.tables ?? []).find((table) => !store.ofPeople.includes(table))
      if (unknown !== undefined)
        throw refuse('/tables', `names ${unknown}, which names no people`, 'Take tables of the data map that do.')
      const now = clock.now()
      const aware = past('/aware_at', given.aware_at) ?? new Date(now)
      const id = prefixedId('brc', now)
      const row = await store.add(
        {
          ...{ id, by: by.actor, title: given.title, description: given.description ?? null },
          ...{ projects: given.projects ?? [], tables: given.tables ?? [], risk: given.risk ?? 'unknown' },
          ...{ aware_at: aware, notify_by: new Date(aware.getTime() + NOTIFY_HOURS * HOUR_MS) },
        },
        (transaction) => record(transaction, noted('breach.opened', id, by)),
      )
      await due()
      return present(row, now, await store.affected(row))
    },
    /** @throws AppError `breach_not_found`, `invalid_parameter` */
    change: async (id: string, given: ChangeBreach, by: Requester): Promise<Breach> => {
      const { notified_at: notified, people_told_at: told, closed_at: closed, ...texts } = given
      const times = {
        notified_at: past('/notified_at', notified),
        people_told_at: past('/people_told_at', told),
        closed_at: past('/closed_at', closed),
      }
      const change = Object.fromEntries(
        Object.entries({ ...texts, ...times }).filter(([, value]) => value !== undefined),
      )
      const row = await store.change(id, change as BreachChange, (transaction) =>
        record(transaction, noted('breach.updated', id, by)),
      )
      if (row === null) throw new AppError('breach_not_found')
      await due()
      return present(row, clock.now(), null)
    },
    /** @throws AppError `breach_not_found` */
    find: async (id: string): Promise<Breach> => {
      const row = await store.find(id)
      if (row === null) throw new AppError('breach_not_found')
      return present(row, clock.now(), await store.affected(row))
    },
    list: async (after: string | null, limit: number): Promise<Breach[]> =>
      (await store.list(after, limit)).map((row) => present(row, clock.now(), null)),
    due,
    /** The same, as it was when it was last asked for. */
    known: () => known,
  }
}
export type Breaches = ReturnType<typeof createBreaches>
