import type { Log } from '../../kernel/log.ts'
import { type Digests, type EraseAgainPorts, eraseAgain, wantDigest } from './erase-again.ts'
import type { ErasedEntry } from './journal.store.ts'

/** What a restore left to be done before the house opens; null where there is nothing. */
export interface LeftJournal {
  readonly read: () => Promise<string | null>
  /** Everything in it was done. */
  readonly end: () => Promise<void>
}

interface ReplayLeftPorts extends EraseAgainPorts {
  readonly left: LeftJournal
  readonly log: Log
}

/**
 * Erases again whoever had been erased when a backup was restored that still has them. @throws whatever keeps it from ending: then the
 * house must not open.
 */
export const replayLeft = async ({ left, log, ...ports }: ReplayLeftPorts): Promise<void> => {
  const text = await left.read()
  if (text === null) return
  const wanted: Digests = new Map()
  for (const line of text.split('\n')) if (line !== '') wantDigest(wanted, JSON.parse(line) as ErasedEntry)
  const count = await eraseAgain(ports, wanted)
  await left.end()
  log.warn({ component: 'privacy', count }, 'Erasures were replayed after a restore')
}
