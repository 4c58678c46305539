import type { FaultPoints } from '../../kernel/fault-points.ts'
import { type Journal, JournalFault } from './journal.ts'
import { type IntentRecord, outcomeLine, readLine } from './journal-records.ts'
import { syncSegment } from './journal-segments.ts'
import { readProgress } from './progress.ts'
import { toKilledRow } from './row.ts'

/** What the journal of a dead process held. */
export interface Recovered {
  /** Calls that were open when it died and are settled now. */
  readonly killed: number
  /** Lines that were torn or damaged. */
  readonly damaged: number
}

/** What no sync confirmed stands in the newest segments; older ones need not be written anew. */
const ANEW_BYTES = 32 * 1024 * 1024

/** What was settled before a kill outlives a power cut after it. */
const syncInherited = async (directory: string, inherited: readonly number[]): Promise<void> => {
  try {
    let written = 0
    for (const segment of inherited.toReversed()) written += await syncSegment(directory, segment, written < ANEW_BYTES)
  } catch (cause) {
    throw new JournalFault('The journal of an earlier process cannot be synced', { cause })
  }
}

/**
 * Settles the calls that an earlier process left open, by appending their outcomes to the journal. Nothing is sent from
 * here: the drain reads the outcomes, old and new alike. May be killed and begun again at any point; a call that gets a
 * second outcome that way has the same row again, which PostgreSQL keeps once.
 * @throws JournalFault
 */
export const recover = async (directory: string, journal: Journal, faultPoints: FaultPoints): Promise<Recovered> => {
  const { inherited } = journal
  await syncInherited(directory, inherited)
  const open = new Map<string, { record: IntentRecord; segment: number }>()
  const last = inherited.at(-1) ?? -1
  const progress = readProgress(directory, last)
  let damaged = 0
  let position = { segment: inherited[0] ?? last + 1, offset: 0 }
  while (position.segment <= last) {
    const { lines, segment, next } = await journal.read(position)
    for (const line of lines) {
      const record = readLine(line)
      if (record === null) damaged++
      else if (record.kind === 'intent') open.set(record.intent.id, { record, segment })
      else open.delete(record.row.id)
    }
    if (next.segment === position.segment && next.offset === position.offset) break
    position = next
  }
  for (const { record, segment } of open.values()) {
    const tokens = progress.tokensOf(segment, record.slot, record.tag)
    faultPoints.pass('ledger.before-recovery-outcome')
    journal.append(outcomeLine(toKilledRow(record.intent, record.reservations, tokens)))
  }
  await journal.sync()
  progress.remove()
  return { killed: open.size, damaged }
}
