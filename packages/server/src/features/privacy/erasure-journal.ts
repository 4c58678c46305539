import { createPublicKey, verify } from 'node:crypto'
import type { ReceiptSigner } from './receipt.ts'

/** An erasure, as the journal outside the database tells of it: whom it was of stands there as a digest alone. */
export interface JournalEntry {
  readonly erasure: string
  readonly project: string
  /** Keyed digest of the name, in hexadecimal digits. */
  readonly subject: string
  readonly pseudonym: string
  /** RFC 3339. */
  readonly at: string
}

/** A line of the journal was changed, or was written by a Headgate with another root key. */
export class JournalLineInvalid extends Error {
  override readonly name = 'JournalLineInvalid'
}

/** A line of the journal: the entry and, so that nobody adds one, its signature. */
export const journalLine = (entry: JournalEntry, signer: ReceiptSigner): string => {
  const text = JSON.stringify({ object: 'erasure_journal_entry', ...entry })
  return JSON.stringify({ entry: text, signature: signer.sign(text).toString('base64') })
}

/**
 * Reads a line of the journal; null where it is empty, or was cut by a crash while it was written: that erasure had not begun.
 * @throws JournalLineInvalid
 */
export const readJournalLine = (line: string, signer: Pick<ReceiptSigner, 'publicKey'>): JournalEntry | null => {
  let parsed: { entry: string; signature: string }
  try {
    parsed = JSON.parse(line) as typeof parsed
  } catch {
    return null
  }
  const key = createPublicKey(signer.publicKey)
  const { entry, signature } = parsed
  const holds =
    typeof entry === 'string' &&
    typeof signature === 'string' &&
    verify(null, Buffer.from(entry), key, Buffer.from(signature, 'base64'))
  if (!holds) throw new JournalLineInvalid('A line of the erasure journal does not have the signature of this house')
  return JSON.parse(entry) as JournalEntry
}
