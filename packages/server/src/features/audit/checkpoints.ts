import type { Clock } from '../../kernel/clock.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { type AuditRow, entriesAfter, readEntry, readHead } from './audit.store.ts'
import { takeHead } from './chain.ts'
import {
  type CheckpointRow,
  insertCheckpoint,
  insertSubtree,
  type KeyRow,
  listCheckpoints,
  lockCheckpoints,
  storedHashes,
} from './checkpoints.store.ts'
import { genesis, hashOf } from './leaf.ts'
import { foldedRoot, foldWidth, rootOf } from './merkle.ts'
import { checkpointText, signNote } from './note.ts'
import { noteKeyOf, type SigningKeys } from './signing-keys.ts'

/** The audit is not what it was: nothing is signed any more. The message says what was found. */
export class AuditBroken extends Error {
  override readonly name = 'AuditBroken'
}

const BATCH = 1_000

/** A checkpoint as a witness or anybody else gets it: the note, with what witnesses have said so far. */
export const wholeNote = ({ note, cosignatures }: Pick<CheckpointRow, 'note' | 'cosignatures'>): string =>
  note + cosignatures.map((line) => `${line}\n`).join('')

/** What is wrong with an entry, or null. */
export const entryFault = (row: AuditRow, seq: bigint, previous: Buffer): string | null => {
  if (row.seq !== seq) return `entry ${seq} is missing`
  if (row.hash === null || row.prev_hash === null) return `entry ${seq} has no hash`
  if (!hashOf(row, row.prev_hash).equals(row.hash)) return `entry ${seq} was changed`
  return row.prev_hash.equals(previous) ? null : `entry ${seq} does not follow the one before it`
}

/** Looks through the entries from `former` up to `size`, as they are. @throws AuditBroken */
const checkEntries = async (read: Read, former: bigint, size: bigint): Promise<void> => {
  let previous = former === 0n ? genesis : ((await readEntry(read, former))?.hash ?? genesis)
  for (let seq = former; seq < size; ) {
    const rows = await entriesAfter(read, seq, BATCH)
    if (rows.length === 0) throw new AuditBroken(`entry ${seq + 1n} is missing`)
    for (const row of rows) {
      const fault = entryFault(row, seq + 1n, previous)
      if (fault !== null) throw new AuditBroken(fault)
      previous = row.hash as Buffer
      seq += 1n
      if (seq === size) break
    }
  }
}

/** Keeps the roots of the subtrees that have become complete. */
const keepSubtrees = async (transaction: Transaction, former: number, size: number): Promise<void> => {
  const read = storedHashes(transaction)
  for (let level = 1, width: number = foldWidth; width <= size; level += 1, width *= foldWidth)
    for (let index = Math.floor(former / width); index < Math.floor(size / width); index += 1)
      await insertSubtree(transaction, { level, index, hash: await foldedRoot(read, level, index) })
}

interface CheckpointsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly keys: SigningKeys
}

/** Makes checkpoints: what stands is looked through and signed, on one replica at a time. */
export const createCheckpoints = ({ database, clock, keys }: CheckpointsOptions) => {
  const sign = async (transaction: Transaction, key: KeyRow, last: CheckpointRow | undefined, size: bigint) => {
    const former = last?.size ?? 0n
    const read = storedHashes(transaction)
    if (last !== undefined && !(await rootOf(read, 0, Number(former))).equals(last.root))
      throw new AuditBroken(`the first ${former} entries are not those that were signed`)
    await checkEntries(transaction, former, size)
    await keepSubtrees(transaction, Number(former), Number(size))
    const root = await rootOf(read, 0, Number(size))
    const secret = await keys.open(transaction, key)
    const note = signNote(checkpointText({ origin: key.name, size: Number(size), root }), noteKeyOf(key), secret)
    const row = { size, root, note, created_at: new Date(clock.now()) }
    await insertCheckpoint(transaction, row)
    return { ...row, cosignatures: [] }
  }

  return {
    /**
     * Signs what stands now; null where nothing was added since the last time.
     * @throws AuditBroken, SealBroken, DatabaseUnavailable
     */
    make: (): Promise<CheckpointRow | null> =>
      database.transaction('system', async (transaction) => {
        await lockCheckpoints(transaction)
        const [last] = await listCheckpoints(transaction, null, 1)
        const seen = await readHead(transaction)
        const head = seen.chained === seen.seq ? seen : await takeHead(transaction, new Date(clock.now()))
        const former = last?.size ?? 0n
        if (head.seq < former) throw new AuditBroken(`${former} entries were signed, ${head.seq} are left`)
        return head.seq === former ? null : sign(transaction, await keys.newest(transaction), last, head.seq)
      }),
    /** Makes the key under which checkpoints are signed from now on; `record` writes the audit. */
    rotate: (record: (transaction: Transaction, key: KeyRow) => Promise<void>): Promise<KeyRow> =>
      database.transaction('system', async (transaction) => {
        await lockCheckpoints(transaction)
        const made = await keys.next(transaction, await keys.newest(transaction))
        await record(transaction, made)
        return made
      }),
    /** The newest key, made where there is none yet. */
    newestKey: (): Promise<KeyRow> =>
      database.transaction('system', async (transaction) => {
        await lockCheckpoints(transaction)
        return keys.newest(transaction)
      }),
  }
}
export type Checkpoints = ReturnType<typeof createCheckpoints>
