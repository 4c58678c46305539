import { type Digests, type EraseAgainPorts, eraseAgain, wantDigest } from './erase-again.ts'
import { readJournalLine } from './erasure-journal.ts'
import type { ReceiptSigner } from './receipt.ts'

export interface ReplayPorts extends EraseAgainPorts {
  readonly signer: ReceiptSigner
}

/** What a replay did. */
export interface Replayed {
  /** Erasures of the journal that the database knows to be done. */
  readonly known: number
  /** Erasures that it does not know, or has not ended. */
  readonly missing: number
  /** People who were found by them, and erased once more. */
  readonly people: number
}

/**
 * Erases again those who were erased after the backup was made that a database was restored from. `lines` are those of the erasure
 * journal, of all replicas, in any order. To be called before the house opens its door. An erasure that the database knows to be done
 * is left alone: what it has of the person since came later. Throws `JournalLineInvalid` before anybody is erased.
 */
export const replayErasures = async (
  { signer, ...ports }: ReplayPorts,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<Replayed> => {
  const wanted: Digests = new Map()
  let [known, missing] = [0, 0]
  for await (const line of lines) {
    const entry = readJournalLine(line, signer)
    if (entry === null) continue
    const { rows } = await ports.database.read({ project: entry.project }, ({ query }) =>
      query('SELECT 1 FROM headgate.privacy_erasures WHERE erasure_id = $1 AND done_at IS NOT NULL', [entry.erasure]),
    )
    if (rows.length > 0) {
      known += 1
      continue
    }
    missing += 1
    wantDigest(wanted, entry)
  }
  return { known, missing, people: await eraseAgain(ports, wanted) }
}
