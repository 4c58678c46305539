import { appendFileSync, closeSync, fdatasync, fdatasyncSync, ftruncateSync, mkdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import type { Log } from '../../kernel/log.ts'
import { identityOf } from './journal-identity.ts'
import { ownFolder } from './journal-owner.ts'
import { createSegment, listSegments, type Position, readLines, removeSegment } from './journal-segments.ts'

/** The record could not be written down. */
export class JournalFault extends Error {
  override readonly name = 'JournalFault'
}

/** Lines on the local disk. A line that was appended survives the death of this process. */
export interface Journal {
  readonly replicaId: string
  /** Segments that were there before this process. */
  readonly inherited: readonly number[]
  /** The first segment that this process may have written. */
  readonly first: number
  readonly current: () => number
  /** Appends a line that ends in `\n` and answers its segment. @throws JournalFault */
  append(line: string): number
  /** Keeps a segment from being deleted. */
  pin(segment: number): void
  unpin(segment: number): void
  /** Segments from this one on are still to be read and are not deleted; null: none is. */
  keepFrom(segment: number | null): void
  /** Where the next line will stand. */
  end(): Position
  /** Reads on from a place; `next` equals `from` when nothing follows. */
  read(from: Position): Promise<{ lines: string[]; segment: number; next: Position }>
  /** Lines so far go once they are settled: those to come stand in another segment. */
  renew(): void
  /** Keeps a line for the operator that PostgreSQL will never take. */
  setAside(line: string): void
  /** Waits until everything appended is on the disk itself. @throws JournalFault */
  sync(): Promise<void>
  stats(): JournalStats
  close(): Promise<void>
}

export interface JournalStats {
  /** `failing`: the disk refuses; nothing is acknowledged until it takes lines again. */
  readonly state: 'ok' | 'failing'
  readonly segments: number
  readonly faults: number
}

export interface JournalOptions {
  readonly directory: string
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  readonly log: Log
  readonly replicaId?: string | undefined
  readonly segmentBytes?: number | undefined
}

const SYNC_AFTER_MS = 50
const RETRY_AFTER_MS = 500
const SEGMENT_BYTES = 8 * 1024 * 1024
const READ_BYTES = 1024 * 1024
const MOST_UNSYNCED = 100_000

/**
 * Opens the journal of a folder, which this process then owns.
 * @throws JournalInUse when another living process has it.
 */
export const openJournal = (options: JournalOptions): Journal => {
  const { directory, clock, faultPoints, log, segmentBytes = SEGMENT_BYTES } = options
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const owner = ownFolder(directory)
  const replicaId = options.replicaId ?? identityOf(directory, clock.now())
  const inherited = listSegments(directory)
  let segments = [...inherited]
  const pins = new Map<number, number>()
  const scratch = Buffer.allocUnsafe(64 * 1024)
  let kept: number | null = inherited[0] ?? null
  let segment = 0
  let tried = inherited.at(-1) ?? 0
  let descriptor = -1
  let size = 0
  let failing = false
  let isRenewed = false
  let faults = 0
  /** Lines that no fdatasync has confirmed: after a failed one the system may have dropped their pages. */
  let unsynced: string[] = []
  let syncing: Promise<void> | null = null
  let timer: Timer | null = null
  let retry: Timer | null = null

  const collect = () => {
    while (segments.length > 1) {
      const oldest = segments[0] as number
      if (oldest === segment || (kept !== null && oldest >= kept) || (pins.get(oldest) ?? 0) > 0) return
      segments.shift()
      pins.delete(oldest)
      removeSegment(directory, oldest).catch((error) =>
        log.warn({ component: 'ledger', error }, 'A drained journal segment could not be deleted'),
      )
    }
  }

  /** Begins a segment; the one before stays open for who still has to sync it. */
  const roll = () => {
    // A number is tried once: a disk that failed half-way may have made the file.
    const next = ++tried
    descriptor = createSegment(directory, next)
    segment = next
    size = 0
    isRenewed = false
    segments = [...segments, next]
    collect()
  }

  const closeQuietly = (ended: number) => {
    try {
      if (ended >= 0) closeSync(ended)
    } catch {
      // A failing disk may refuse even this; what was on it has been written anew.
    }
  }

  const writeLine = (line: string): void => {
    const short = line.length * 3 <= scratch.length
    const bytes = short ? scratch : Buffer.from(line)
    const length = short ? scratch.write(line, 0) : bytes.length
    faultPoints.pass('ledger.journal-write')
    const written = writeSync(descriptor, bytes, 0, length)
    if (written !== length) throw new JournalFault('The disk took only a part of a line')
    size += length
  }

  const fail = (cause: unknown): JournalFault => {
    faults++
    if (!failing) {
      failing = true
      log.error({ component: 'ledger', error: cause as Error }, 'The ledger journal cannot be written')
    }
    retry ??= clock.after(RETRY_AFTER_MS, () => void recover())
    return new JournalFault('The ledger journal cannot be written', { cause })
  }

  /** Starts a new segment with every unconfirmed line; the journal is well again when the disk has confirmed them. */
  const recover = async () => {
    retry = null
    try {
      await syncing?.catch(() => undefined)
      const ended = descriptor
      roll()
      closeQuietly(ended)
      for (const line of unsynced) writeLine(line)
      faultPoints.pass('ledger.journal-sync')
      fdatasyncSync(descriptor)
      unsynced = []
      failing = false
      log.info({ component: 'ledger' }, 'The ledger journal can be written again')
    } catch (cause) {
      fail(cause)
    }
  }

  const startSync = (): Promise<void> => {
    timer?.cancel()
    timer = null
    const count = unsynced.length
    const target = descriptor
    let ended = false
    const begun = new Promise<void>((resolve, reject) => {
      const finish = (cause: unknown) => {
        ended = true
        syncing = null
        if (target !== descriptor) closeQuietly(target)
        if (cause) return reject(fail(cause))
        unsynced = unsynced.slice(count)
        if (unsynced.length > 0 && !failing) schedule()
        resolve()
      }
      try {
        if (size >= segmentBytes || (isRenewed && size > 0)) roll()
        faultPoints.pass('ledger.journal-sync')
        fdatasync(target, finish)
      } catch (cause) {
        finish(cause)
      }
    })
    // What failed before it began holds no later one up.
    if (!ended) syncing = begun
    return begun
  }

  const schedule = () => {
    if (timer === null && syncing === null)
      timer = clock.after(SYNC_AFTER_MS, () => void startSync().catch(() => undefined))
  }

  const renew = (): void => {
    if (size === 0 || failing) return
    isRenewed = true
    // Else the next sync does it, which knows what is under way.
    if (unsynced.length > 0 || syncing !== null) return
    const ended = descriptor
    try {
      roll()
      closeQuietly(ended)
    } catch (cause) {
      fail(cause)
    }
  }

  const append = (line: string): number => {
    if (failing) throw new JournalFault('The ledger journal cannot be written')
    const before = size
    try {
      writeLine(line)
    } catch (cause) {
      try {
        ftruncateSync(descriptor, before)
      } catch {
        // The torn line is skipped when it is read.
      }
      throw fail(cause)
    }
    if (unsynced.length < MOST_UNSYNCED) unsynced.push(line)
    schedule()
    return segment
  }

  const read: Journal['read'] = async (from) => {
    const { lines, offset } = await readLines(directory, from, READ_BYTES)
    if (lines.length > 0) return { lines, segment: from.segment, next: { segment: from.segment, offset } }
    // What follows the last whole line of an ended segment is torn.
    const following = segments.find((number) => number > from.segment)
    return { lines, segment: from.segment, next: following === undefined ? from : { segment: following, offset: 0 } }
  }

  const sync = async () => {
    while (unsynced.length > 0 || syncing !== null) {
      if (failing) throw new JournalFault('The ledger journal cannot be written')
      await (syncing ?? startSync())
    }
  }

  try {
    roll()
  } catch (cause) {
    fail(cause)
  }

  return {
    replicaId,
    inherited,
    first: (inherited.at(-1) ?? 0) + 1,
    current: () => segment,
    append,
    pin: (number) => pins.set(number, (pins.get(number) ?? 0) + 1),
    unpin: (number) => {
      const left = (pins.get(number) ?? 0) - 1
      if (left > 0) pins.set(number, left)
      else {
        pins.delete(number)
        collect()
      }
    },
    keepFrom: (number) => {
      kept = number
      collect()
    },
    end: () => ({ segment, offset: size }),
    read,
    renew,
    setAside: (line) => appendFileSync(join(directory, 'refused.log'), line, { mode: 0o600 }),
    sync,
    stats: () => ({ state: failing ? 'failing' : 'ok', segments: segments.length, faults }),
    close: async () => {
      await sync().catch(() => undefined)
      timer?.cancel()
      retry?.cancel()
      closeQuietly(descriptor)
      descriptor = -1
      failing = true
      owner.release()
    },
  }
}
