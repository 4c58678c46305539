import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { readEntry } from './audit.store.ts'
import { AuditBroken, wholeNote } from './checkpoints.ts'
import { type CheckpointRow, checkpointAt, checkpointsAfter, storedHashes } from './checkpoints.store.ts'
import { canonicalJson } from './canonical.ts'
import { leafOf } from './leaf.ts'
import { consistencyProof, inclusionProof, isConsistent, isIncluded, leafHash } from './merkle.ts'

/** That one tree is the beginning of another. */
export interface Consistency {
  readonly from: CheckpointRow
  readonly to: CheckpointRow
  readonly proof: readonly Buffer[]
}

const noCheckpoint = (size: bigint) =>
  new AppError('resource_not_found', { detail: `There is no checkpoint of ${size} entries.` })

/** What can be proven of the audit to somebody who has nothing but a key. */
export const createProofs = (database: Database) => ({
  /**
   * That an entry is in the audit, as a `tlog-proof` (c2sp.org/tlog-proof): under the checkpoint of `size` entries, or the first that
   * covers it. The entry itself stands in it as extra data. @throws AppError `resource_not_found`; AuditBroken where it is not.
   */
  inclusion: (seq: bigint, size?: bigint): Promise<string> =>
    database.read('system', async (read) => {
      const row = await readEntry(read, seq)
      if (row === undefined || row.hash === null || row.prev_hash === null)
        throw new AppError('resource_not_found', { detail: `There is no entry ${seq}.` })
      const checkpoint =
        size === undefined
          ? (await checkpointsAfter(read, seq - 1n, 1))[0]
          : size >= seq
            ? await checkpointAt(read, size)
            : undefined
      if (checkpoint === undefined)
        throw size === undefined
          ? new AppError('resource_not_found', { detail: `No checkpoint covers entry ${seq} yet.` })
          : noCheckpoint(size)
      const index = Number(seq) - 1
      const path = await inclusionProof(storedHashes(read), index, Number(checkpoint.size))
      const entry = Buffer.from(canonicalJson(leafOf(row, row.prev_hash)))
      const claim = { index, size: Number(checkpoint.size), leaf: leafHash(entry), root: checkpoint.root }
      if (!isIncluded(claim, path)) throw new AuditBroken(`entry ${seq} is not the one that was signed`)
      const lines = ['c2sp.org/tlog-proof@v1', `extra ${entry.toString('base64')}`, `index ${index}`]
      return `${[...lines, ...path.map((hash) => hash.toString('base64'))].join('\n')}\n\n${wholeNote(checkpoint)}`
    }),
  /** That the checkpoint of `from` entries is the beginning of that of `to`. @throws AppError `resource_not_found`; AuditBroken. */
  consistency: (from: bigint, to: bigint): Promise<Consistency> =>
    database.read('system', async (read) => {
      const [former, later] = [await checkpointAt(read, from), await checkpointAt(read, to)]
      if (former === undefined) throw noCheckpoint(from)
      if (later === undefined) throw noCheckpoint(to)
      const [before, after] = from <= to ? [former, later] : [later, former]
      const proof = await consistencyProof(storedHashes(read), Number(before.size), Number(after.size))
      const claim = {
        former: Number(before.size),
        size: Number(after.size),
        formerRoot: before.root,
        root: after.root,
      }
      if (!isConsistent(claim, proof))
        throw new AuditBroken(`the checkpoint of ${before.size} entries is not the beginning of that of ${after.size}`)
      return { from: before, to: after, proof }
    }),
})
