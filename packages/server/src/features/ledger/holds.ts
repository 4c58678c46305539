import { type CallBudget, type Hold, type Intent, isHard, noBudgets, type Settlement } from '../../domain/hold.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import type { Log } from '../../kernel/log.ts'
import type { Drain } from './drain.ts'
import type { Journal } from './journal.ts'
import { intentLine, outcomeLine } from './journal-records.ts'
import type { Leases } from './leases.ts'
import type { Progress } from './progress.ts'
import { type Reservation, toRow } from './row.ts'

/** The open calls of this process. */
export interface Holds {
  /**
   * Journals an intent and opens its hold.
   * @throws AppError journal_unavailable when a hard budget holds it and the journal does not take it
   */
  open(intent: Intent, reservations: readonly Reservation[], flagged?: readonly CallBudget[]): Hold
  /** Writes long-open intents anew, so that the oldest journal segment can go. */
  carry(): void
  count(): number
  losses(): { readonly droppedRecords: number; readonly lostRows: number }
}

export interface HoldsOptions {
  readonly journal: Journal
  readonly progress: Progress
  readonly drain: Pick<Drain, 'push'>
  readonly leases: Pick<Leases, 'settled' | 'cancel' | 'drained'>
  readonly faultPoints: FaultPoints
  readonly log: Log
}

/** Segments that may pile up before open intents are carried on. */
const MOST_SEGMENTS = 4

export const createHolds = ({ journal, progress, drain, leases, faultPoints, log }: HoldsOptions): Holds => {
  const open = new Set<OpenHold>()
  /** Segments that open calls were written anew from, until the disk has the new lines. */
  const carriedFrom: number[] = []
  let droppedRecords = 0
  let lostRows = 0
  let losing = false

  /** Appends and pins; null when the journal does not take the line. */
  const record = (line: string): number | null => {
    try {
      const segment = journal.append(line)
      journal.pin(segment)
      return segment
    } catch {
      droppedRecords++
      return null
    }
  }

  class OpenHold implements Hold {
    readonly intent: Intent
    readonly reservations: readonly Reservation[]
    readonly flagged: readonly CallBudget[]
    readonly slot: number
    readonly tag: number
    segment: number | null

    constructor(intent: Intent, reservations: readonly Reservation[], flagged: readonly CallBudget[]) {
      const { slot, tag } = progress.take()
      this.intent = intent
      this.reservations = reservations
      this.flagged = flagged
      this.slot = slot
      this.tag = tag
      this.segment = record(this.line())
    }

    line(): string {
      return intentLine(this.intent, this.reservations, this.slot, this.tag)
    }

    mark(outputTokens: number): void {
      if (!open.has(this)) return
      try {
        progress.write(this.slot, this.tag, outputTokens)
      } catch {
        // Only what a killed process would be charged with gets coarser; the outcome is journaled all the same.
      }
    }

    settle(settlement: Settlement): void {
      if (!open.delete(this)) return
      faultPoints.pass('ledger.before-outcome')
      const row = toRow(this.intent, this.reservations, settlement)
      const position = journal.end()
      const segment = record(outcomeLine(row))
      faultPoints.pass('ledger.after-outcome')
      progress.free(this.slot)
      leases.settled(row)
      const pins = [this.segment, segment].filter((pin) => pin !== null)
      if (drain.push(row, segment === null ? null : position, pins)) {
        losing = false
        return
      }
      lostRows++
      leases.drained([row])
      if (!losing) {
        log.error(
          { component: 'ledger', id: row.id, count: lostRows },
          'Ledger rows are lost: neither the journal nor the queue takes them',
        )
      }
      losing = true
    }
  }

  return {
    open: (intent, reservations, flagged = noBudgets) => {
      faultPoints.pass('ledger.before-intent')
      const hold = new OpenHold(intent, reservations, flagged)
      if (hold.segment === null && reservations.length > 0 && intent.budgets.some(isHard)) {
        progress.free(hold.slot)
        leases.cancel(intent.id, reservations)
        throw new AppError('journal_unavailable', { retryAfterMs: 1_000 })
      }
      open.add(hold)
      faultPoints.pass('ledger.after-intent')
      return hold
    },
    carry: () => {
      const { segments, state } = journal.stats()
      // Only now: a power cut just after the last round would else have taken the new line, and the old one with its segment.
      if (state === 'ok') for (const segment of carriedFrom.splice(0)) journal.unpin(segment)
      if (segments <= MOST_SEGMENTS) return
      const newest = journal.current()
      for (const hold of open) {
        if (hold.segment === null || hold.segment > newest - MOST_SEGMENTS) continue
        const segment = record(hold.line())
        if (segment === null) return
        carriedFrom.push(hold.segment)
        hold.segment = segment
      }
    },
    count: () => open.size,
    losses: () => ({ droppedRecords, lostRows }),
  }
}
