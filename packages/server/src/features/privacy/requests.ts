import type { PrivacyRequest } from '@headgate/contract/privacy-requests.ts'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { type ArchiveStore, type Making, TurnLost } from './archives.store.ts'
import { deadlinesOf, extendedDue, type Law } from './deadlines.ts'
import type { ErasurePorts, Erasures, Requester } from './erasures.ts'
import type { Person } from './erasures.store.ts'
import type { WriteArchive } from './export-archive.ts'
import type { ExportLinks } from './export-links.ts'
import type { RequestKind, RequestRow, RequestStore } from './requests.store.ts'

/** How long things take, and stay. */
export interface RequestBounds {
  readonly targetDays: number
  readonly archiveDays: number
  readonly linkMinutes: number
}

/** What somebody asks for. */
export interface RequestAsked {
  readonly kind: RequestKind
  readonly law: Law
  readonly askerId?: string
  /** Whether the person asks for themself: they get an archive that was made within the hour again. */
  readonly isSelf: boolean
}

export interface RequestPorts extends Pick<ErasurePorts, 'record'> {
  readonly store: RequestStore
  readonly archives: ArchiveStore
  readonly write: WriteArchive
  readonly links: ExportLinks
  readonly erasures: Pick<Erasures, 'erase' | 'find'>
  readonly bounds: () => RequestBounds
  /** Where callers reach this server, without a trailing slash. */
  readonly address: () => string
  readonly clock: Clock
  readonly log: Log
}

const LOOK_MS = 30_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MINUTE_MS = 60_000

const makingOf = (row: RequestRow): Making => ({
  project: row.project_id,
  id: row.request_id,
  turn: row.turn as string,
})
const isThere = (row: RequestRow, now: number): boolean => (row.archive_until?.getTime() ?? 0) > now

/** Requests of people for their data, or that it goes: answered in time, archives made in the background and erased after days. */
export const createRequests = (ports: RequestPorts) => {
  const { store, archives, write, links, erasures, bounds, address, clock, log, record } = ports

  const present = (row: RequestRow): PrivacyRequest => ({
    object: 'privacy_request',
    id: row.request_id,
    project: row.project_id,
    subject_request_id: row.asker_id ?? row.request_id,
    subject_request_type: row.kind,
    law: row.law,
    request_status: row.state,
    received_time: row.received_at.toISOString(),
    expected_completion_time: row.target_at.toISOString(),
    confirm_time: row.confirm_at?.toISOString() ?? null,
    due_time: row.due_at.toISOString(),
    extended: row.extended_at !== null,
    is_overdue: row.completed_at === null && row.state !== 'cancelled' && row.due_at.getTime() < clock.now(),
    completed_time: row.completed_at?.toISOString() ?? null,
    erasure: row.erasure_id,
    archive: isThere(row, clock.now())
      ? {
          bytes: Number(row.archive_bytes),
          sha256: row.archive_sha256 as string,
          erased_time: (row.archive_until as Date).toISOString(),
        }
      : null,
  })

  /** An erasure ends by itself: whoever looks at the request for it sees so. */
  const current = async (row: RequestRow): Promise<RequestRow> => {
    if (row.kind !== 'erasure' || row.erasure_id === null || row.state !== 'in_progress') return row
    if ((await erasures.find(row.erasure_id)).state !== 'done') return row
    await store.erased(row.project_id, row.erasure_id)
    return (await store.find(null, row.request_id)) as RequestRow
  }
  const found = async (of: Person | null, id: string): Promise<RequestRow> => {
    const row = await store.find(of, id)
    if (row === null) throw new AppError('privacy_request_not_found')
    return current(row)
  }

  const make = async (row: RequestRow): Promise<void> => {
    const making = makingOf(row)
    try {
      await archives.clear(making.project, making.id, making.turn)
      const writer = archives.writer(making)
      await write(await store.personOf(row), making.id, writer.write)
      const until = new Date(clock.now() + bounds().archiveDays * DAY_MS)
      if (await store.complete(making, await writer.end(), until)) return
      throw new TurnLost('The archive is not wanted any more')
    } catch (error) {
      if (error instanceof TurnLost) return
      const isAgain = await store.retry(making)
      await archives.clear(making.project, making.id, null)
      const fields = { component: 'privacy' as const, error: error as Error, id: making.id }
      if (isAgain) log.warn(fields, 'An export failed, and is tried again')
      else log.error(fields, 'An export failed for good: make it anew, by another request')
    }
  }
  const eraseOver = async (): Promise<void> => {
    for (const { project, id } of await store.over()) {
      await archives.clear(project, id, null)
      await store.gone(project, id)
    }
  }

  let working: Promise<void> | null = null
  let isStopping = false
  let overdue = 0
  const timers: { cancel(): void }[] = []
  const work = async (): Promise<void> => {
    await eraseOver()
    const next = () => (isStopping ? null : store.take(randomBytes(8).toString('hex')))
    for (let row = await next(); row !== null; row = await next()) await make(row)
  }
  const look = (): void => {
    working ??= work()
      .catch((error: Error) => log.warn({ component: 'privacy', error }, 'Requests of people could not go on'))
      .finally(() => (working = null))
  }
  /** Counts what is overdue, and says so where it is more than before. */
  const count = async (): Promise<number> => {
    const now = await store.overdue()
    if (now > overdue)
      log.error({ component: 'privacy', count: now }, 'Requests of people are overdue: answer them, or say why not')
    overdue = now
    return now
  }

  return {
    /** Notes a request. Of the same kind as one that is under way, it is that one. */
    begin: async (person: Person, asked: RequestAsked, by: Requester): Promise<PrivacyRequest> => {
      const received = new Date(clock.now())
      if (asked.isSelf && asked.kind !== 'erasure') {
        const made = await store.latest(person, asked.kind, new Date(clock.now() - HOUR_MS))
        if (made !== null) return present(made)
      }
      const row = await store.begin(
        person,
        {
          ...deadlinesOf(asked.law, received, bounds().targetDays),
          ...{ id: prefixedId('dsr', clock.now()), kind: asked.kind, law: asked.law, received },
          ...{ askerId: asked.askerId ?? null, by: by.actor },
        },
        (transaction, id) =>
          record(transaction, {
            ...{ actor: by.actor, action: 'privacy_request.received', resource: `privacy_request/${id}` },
            ...{ project: person.project, requestId: by.requestId },
            ...(by.reason !== undefined && { reason: by.reason }),
          }),
      )
      if (row.kind !== 'erasure') {
        look()
        return present(row)
      }
      const erasure = await erasures.erase(person, by)
      await store.byErasure(row, erasure.id)
      return present((await store.find(null, row.request_id)) as RequestRow)
    },
    /** @throws AppError `privacy_request_not_found` */
    find: async (of: Person | null, id: string): Promise<PrivacyRequest> => present(await found(of, id)),
    list: async (project: string | null, of: Person | null, after: string | null, limit: number) =>
      (await store.list(project, of, after, limit)).map(present),
    /** Gives a request longer, once. @throws AppError `privacy_request_not_found`, `privacy_request_not_open` */
    extend: async (id: string, by: Requester): Promise<PrivacyRequest> => {
      const row = await found(null, id)
      const extended = await store.extend(row, extendedDue(row.law, row.received_at), (transaction) =>
        record(transaction, {
          ...{ actor: by.actor, action: 'privacy_request.extended', resource: `privacy_request/${id}` },
          ...{ project: row.project_id, requestId: by.requestId },
          ...(by.reason !== undefined && { reason: by.reason }),
        }),
      )
      if (extended === null) throw new AppError('privacy_request_not_open')
      return present(extended)
    },
    /** Makes a link to an archive; `noted` writes of it. @throws AppError `privacy_request_not_found`, `export_not_ready` */
    link: async (of: Person | null, id: string, noted?: (project: string) => Promise<void>) => {
      const row = await found(of, id)
      if (!isThere(row, clock.now())) throw new AppError('export_not_ready')
      await noted?.(row.project_id)
      const expiresAt = Math.min(clock.now() + bounds().linkMinutes * MINUTE_MS, (row.archive_until as Date).getTime())
      const token = links.sign({ project: row.project_id, id, expiresAt })
      return {
        object: 'privacy_request.link' as const,
        url: `${address()}/privacy/exports/${token}`,
        expires_time: new Date(expiresAt).toISOString(),
      }
    },
    /** The archive that a link opens. @throws AppError `export_link_invalid`, `asset_store_unavailable` */
    open: async (token: string) => {
      const grant = links.read(token, clock.now())
      const row = grant === null ? null : await store.find(null, grant.id)
      if (row === null || row.project_id !== grant?.project || !isThere(row, clock.now()))
        throw new AppError('export_link_invalid')
      return { bytes: Number(row.archive_bytes), id: row.request_id, pieces: await archives.read(makingOf(row)) }
    },
    /** Ends the exports of a person, and erases what was made. Tells how many. */
    forget: async (person: Person): Promise<number> => {
      const dropped = await store.drop(person)
      for (const id of dropped) await archives.clear(person.project, id, null)
      return dropped.length
    },
    overdue: () => overdue,
    countOverdue: count,
    start: (): void => {
      timers.push(
        clock.every(LOOK_MS, look),
        clock.every(10 * MINUTE_MS, () => {
          count().catch((error: Error) => log.warn({ component: 'privacy', error }, 'Requests could not be counted'))
        }),
      )
    },
    stop: async (): Promise<void> => {
      isStopping = true
      for (const timer of timers) timer.cancel()
      await working
    },
  }
}
export type Requests = ReturnType<typeof createRequests>
