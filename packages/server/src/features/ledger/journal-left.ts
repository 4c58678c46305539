import { rm } from 'node:fs/promises'
import { createLedger, type LedgerOptions } from './ledger.ts'

/**
 * Settles the journals of processes that no longer start, in the way in which each would have done it itself, and removes them. What
 * PostgreSQL does not take now stays for the next start.
 */
export const settleLeftJournals = async (
  directories: readonly string[],
  options: Omit<LedgerOptions, 'journalDirectory' | 'replicaId'>,
): Promise<void> => {
  for (const journalDirectory of directories) {
    try {
      const ledger = createLedger({ ...options, journalDirectory })
      await ledger.start()
      let isSettled = true
      await ledger.flush().catch(() => (isSettled = false))
      const { queued, behind, refusedRows } = ledger.stats()
      await ledger.stop()
      if (isSettled && queued === 0 && !behind && refusedRows === 0)
        await rm(journalDirectory, { recursive: true, force: true })
    } catch (error) {
      options.log.error({ component: 'ledger', error }, 'The journal of a former worker could not be settled')
    }
  }
}
