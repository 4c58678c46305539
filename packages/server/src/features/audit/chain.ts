import type { Transaction } from '../../kernel/db.ts'
import { type AuditHead, asHouse, chainEntries, entriesAfter, insertEntry, lockHead } from './audit.store.ts'
import { type AuditContent, hashOf } from './leaf.ts'

const BATCH = 500

/** Chains the entries from before the chain, under the head's lock, and marks with one more where it began. */
const adopt = async (transaction: Transaction, at: Date, head: AuditHead): Promise<AuditHead> => {
  let { chained, hash } = head
  while (chained < head.seq) {
    const rows = await entriesAfter(transaction, chained, BATCH)
    if (rows.length === 0) throw new Error(`Entry ${chained + 1n} of the audit is missing`)
    const hashes: Buffer[] = []
    for (const row of rows) {
      hash = hashOf(row, hash)
      hashes.push(hash)
    }
    // It refuses what does not go on from the last one: a gap.
    await chainEntries(transaction, hashes)
    chained += BigInt(rows.length)
  }
  const seq = head.seq + 1n
  const mark: AuditContent = {
    seq,
    at,
    actor: 'headgate',
    action: 'audit.chained',
    resource: 'audit',
    project_id: '*',
    before: null,
    after: { entries: head.seq.toString() },
    request_id: null,
    reason: null,
  }
  return { seq, chained: seq, hash: await append(transaction, mark, hash) }
}

const append = async (transaction: Transaction, content: AuditContent, previous: Buffer): Promise<Buffer> => {
  const hash = hashOf(content, previous)
  await insertEntry(transaction, { ...content, prev_hash: previous, hash })
  return hash
}

/** The head, taken until the transaction ends, with every entry chained. */
export const takeHead = async (transaction: Transaction, at: Date): Promise<AuditHead> => {
  const head = await lockHead(transaction)
  return head.chained === head.seq ? head : asHouse(transaction, () => adopt(transaction, at, head))
}

/** Appends an entry to the chain and gives its number. */
export const appendEntry = async (transaction: Transaction, content: Omit<AuditContent, 'seq'>): Promise<bigint> => {
  const head = await takeHead(transaction, content.at)
  const seq = head.seq + 1n
  await append(transaction, { ...content, seq }, head.hash)
  return seq
}
