import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { type EntryStore, refusesRow } from './entries.store.ts'
import type { Journal } from './journal.ts'
import { outcomeLine, readLine } from './journal-records.ts'
import type { Position } from './journal-segments.ts'
import type { LedgerRow } from './row.ts'

/** Brings settled calls to PostgreSQL, in the order in which they were settled. */
export interface Drain {
  /** Takes a row; `journaled` is where its line begins, null when the journal did not take it. False: it is lost. */
  push(row: LedgerRow, journaled: Position | null, pins: readonly number[]): boolean
  /** A row that is settled but not yet in PostgreSQL. */
  find(matches: (row: LedgerRow) => boolean): LedgerRow | undefined
  byId(id: string): LedgerRow | undefined
  /** Reads the journal from here on, and sends what is found. Resolves when all of it is in PostgreSQL. */
  catchUp(from: Position): Promise<void>
  /** Sends everything that is settled now. Rejects when PostgreSQL does not take it. */
  flush(): Promise<void>
  stats(): { readonly queued: number; readonly behind: boolean; readonly refused: number }
  stop(): void
}

export interface DrainOptions {
  readonly store: EntryStore
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Log
  /** Rows held in memory; later ones are read back from the journal. */
  readonly queueLimit: number
  /** Told of rows that are in PostgreSQL. */
  readonly onDrained: (rows: readonly LedgerRow[]) => void
}

const BATCH_ROWS = 2_000
const BATCH_AFTER_MS = 100
const LONGEST_PAUSE_MS = 2_000

interface Queued {
  readonly row: LedgerRow
  readonly pins: readonly number[]
}

export const createDrain = ({ store, journal, clock, log, queueLimit, onDrained }: DrainOptions): Drain => {
  const queue = new Map<string, Queued>()
  const waiting: { resolve: () => void; after: string | null }[] = []
  let cursor: Position | null = null
  let running: Promise<void> | null = null
  let timer: Timer | null = null
  let pause = BATCH_AFTER_MS
  let refused = 0
  let stopped = false

  const schedule = (milliseconds: number) => {
    if (timer === null && running === null && !stopped) {
      timer = clock.after(milliseconds, () => {
        timer = null
        void run().catch(() => undefined)
      })
    }
  }

  /** Reads rows back from the journal while there is room for them. */
  const refill = async () => {
    while (cursor && queue.size < queueLimit / 2) {
      const from: Position = cursor
      const { lines, segment, next } = await journal.read(from)
      for (const line of lines) {
        const record = readLine(line)
        if (record?.kind !== 'outcome' || queue.has(record.row.id)) continue
        journal.pin(segment)
        queue.set(record.row.id, { row: record.row, pins: [segment] })
      }
      // An earlier place came in meanwhile: what lies between is still to be read.
      if (cursor !== from) continue
      const end = journal.end()
      const done = next.segment === end.segment && next.offset >= end.offset
      if (!done && next === from) return
      cursor = done ? null : next
      journal.keepFrom(cursor?.segment ?? null)
    }
    if (!cursor) for (const waiter of waiting) waiter.after ??= lastQueued() ?? ''
  }

  const lastQueued = (): string | undefined => [...queue.keys()].at(-1)

  const settleWaiting = () => {
    for (let index = waiting.length - 1; index >= 0; index--) {
      const waiter = waiting[index]
      if (waiter && waiter.after !== null && !queue.has(waiter.after)) {
        waiting.splice(index, 1)
        waiter.resolve()
      }
    }
  }

  /** A batch that the database refuses for one row's sake is halved until that row stands alone. */
  const write = async (rows: readonly LedgerRow[]): Promise<void> => {
    try {
      await store.write(rows)
    } catch (cause) {
      if (!refusesRow(cause)) throw cause
      if (rows.length > 1) {
        const half = rows.length >> 1
        await write(rows.slice(0, half))
        await write(rows.slice(half))
        return
      }
      refused++
      for (const row of rows) journal.setAside(outcomeLine(row))
      log.error(
        { component: 'ledger', id: rows[0]?.id ?? '', error: cause as Error },
        'PostgreSQL refuses a ledger row; it is kept in refused.log of the journal folder',
      )
    }
  }

  const sendBatch = async () => {
    const batch: Queued[] = []
    for (const queued of queue.values()) {
      if (batch.push(queued) >= BATCH_ROWS) break
    }
    const rows = batch.map(({ row }) => row)
    await write(rows)
    for (const { row, pins } of batch) {
      queue.delete(row.id)
      for (const segment of pins) journal.unpin(segment)
    }
    onDrained(rows)
  }

  /** Small batches cost as much as large ones: unless everything is asked for, what is no full batch waits. */
  const drain = async (all: boolean) => {
    try {
      for (let first = true; ; first = false) {
        await refill()
        settleWaiting()
        if (queue.size === 0 || !(all || first || queue.size >= BATCH_ROWS)) break
        // While PostgreSQL writes, the next rows are read back.
        const [sent, read] = await Promise.allSettled([sendBatch(), refill()])
        if (sent.status === 'rejected') throw sent.reason
        if (read.status === 'rejected') throw read.reason
        pause = BATCH_AFTER_MS
      }
    } catch (cause) {
      if (pause === BATCH_AFTER_MS) {
        log.warn({ component: 'ledger', count: queue.size, error: cause as Error }, 'Ledger rows wait for PostgreSQL')
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      throw cause
    }
  }

  const run = (all = false): Promise<void> => {
    running ??= drain(all).finally(() => {
      running = null
      if (queue.size > 0 || cursor) schedule(pause)
    })
    return running
  }

  return {
    push: (row, journaled, pins) => {
      if (journaled && (cursor || queue.size >= queueLimit)) {
        if (!cursor) {
          cursor = journaled
          journal.keepFrom(cursor.segment)
        }
        for (const segment of pins) journal.unpin(segment)
        schedule(pause)
        return true
      }
      if (queue.size >= queueLimit) return false
      queue.set(row.id, { row, pins })
      if (queue.size >= BATCH_ROWS && pause === BATCH_AFTER_MS) void run().catch(() => undefined)
      else schedule(pause)
      return true
    },
    find: (matches) => {
      for (const { row } of queue.values()) if (matches(row)) return row
      return undefined
    },
    byId: (id) => queue.get(id)?.row,
    catchUp: (from) =>
      new Promise<void>((resolve) => {
        waiting.push({ resolve, after: null })
        cursor = from
        journal.keepFrom(from.segment)
        schedule(0)
      }),
    flush: async () => {
      // A run that began before may have missed what came meanwhile.
      if (running) await running
      await run(true)
    },
    stats: () => ({ queued: queue.size, behind: cursor !== null, refused }),
    stop: () => {
      stopped = true
      timer?.cancel()
      timer = null
    },
  }
}
