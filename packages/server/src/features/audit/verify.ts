import type { Database } from '../../kernel/db.ts'
import { type AuditHead, type AuditRow, entriesAfter, readHead } from './audit.store.ts'
import { entryFault } from './checkpoints.ts'
import { checkpointsAfter } from './checkpoints.store.ts'
import { genesis } from './leaf.ts'
import { createGrowingTree } from './merkle.ts'
import { type Checkpoint, type NoteKey, openCheckpoint, readCheckpoint, readNote } from './note.ts'

/** A checkpoint that was found somewhere. */
export interface FoundCheckpoint {
  /** Where, for people. */
  readonly source: string
  readonly note: string
}

/** What a verification found. */
export interface Verification {
  readonly ok: boolean
  readonly entries: string
  /** Checkpoints whose signature and root hold. */
  readonly checkpoints: number
  /** Entries beyond the last checkpoint: they are chained, and signed by nobody yet. */
  readonly unsigned: string
  /** What is wrong, in words; the first hundred. */
  readonly findings: readonly string[]
}

const BATCH = 1_000
const MOST_FINDINGS = 100

/** A checkpoint to be compared. */
interface Claim extends Checkpoint {
  readonly source: string
}

/** What is wrong with a checkpoint by itself, or what it claims. */
const readClaim = ({ source, note }: FoundCheckpoint, keys: readonly NoteKey[]): Claim | string => {
  const opened = openCheckpoint(note, keys)
  if (opened !== null) return { source, ...opened }
  const said = readCheckpoint(readNote(note)?.text ?? '')
  return said === null
    ? `${source}: what stands there is no checkpoint`
    : `${source}: the checkpoint of ${said.size} entries is signed by no key that is trusted`
}

/**
 * Walks through all entries in order and compares them with the checkpoints. What was given is compared with what stands: an entry that
 * was edited, taken out, put in or moved breaks the chain; a shorter or rewritten audit fits no checkpoint from before.
 */
export const compareAudit = async (
  rows: AsyncIterable<AuditRow>,
  given: {
    readonly head: AuditHead
    readonly checkpoints: readonly FoundCheckpoint[]
    readonly keys: readonly NoteKey[]
  },
): Promise<Verification> => {
  const findings: string[] = []
  const find = (words: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push(words)
  }
  const claims: Claim[] = []
  for (const one of given.checkpoints) {
    const claim = readClaim(one, given.keys)
    if (typeof claim === 'string') find(claim)
    else claims.push(claim)
  }
  claims.sort((one, other) => one.size - other.size)
  const tree = createGrowingTree()
  let previous = genesis
  let last = 0n
  let next = 0
  let held = 0
  const compare = (): void => {
    for (; claims[next]?.size === tree.size(); next += 1) {
      const { source, root, size } = claims[next] as Claim
      if (root.equals(tree.root())) held += 1
      else find(`${source}: the first ${size} entries are not those that were signed`)
    }
  }
  for await (const row of rows) {
    if (row.seq > last + 1n)
      find(
        row.seq === last + 2n ? `entry ${last + 1n} is missing` : `entries ${last + 1n} to ${row.seq - 1n} are missing`,
      )
    const fault = entryFault(row, row.seq, previous)
    if (fault !== null) find(fault)
    previous = row.hash ?? genesis
    tree.append(previous)
    last = row.seq
    compare()
  }
  for (const { source, size } of claims.slice(next))
    find(`${source}: ${size} entries were signed, ${tree.size()} are left`)
  const { head } = given
  if (head.seq !== last || !head.hash.equals(previous)) find(`the audit ends with entry ${last}, not with ${head.seq}`)
  const signed = BigInt(claims.at(-1)?.size ?? 0)
  return {
    ok: findings.length === 0,
    entries: last.toString(),
    checkpoints: held,
    unsigned: (last > signed ? last - signed : 0n).toString(),
    findings,
  }
}

async function* entriesOf(database: Database, until: bigint): AsyncGenerator<AuditRow> {
  for (let after = 0n; ; ) {
    const rows = await database.read('system', (read) => entriesAfter(read, after, BATCH))
    for (const row of rows) {
      // What is written meanwhile is not looked at.
      if (row.seq > until) return
      yield row
    }
    if (rows.length < BATCH) return
    after = (rows.at(-1) as AuditRow).seq
  }
}

/** Verifies the audit in the database against its own checkpoints and `outside` ones. @throws DatabaseUnavailable */
export const verifyAudit = async (
  database: Database,
  outside: readonly FoundCheckpoint[],
  trusted: { readonly keys: readonly NoteKey[]; readonly foreign: readonly number[] },
): Promise<Verification> => {
  const head = await database.read('system', readHead)
  const own: FoundCheckpoint[] = []
  for (let after = 0n; ; ) {
    const rows = await database.read('system', (read) => checkpointsAfter(read, after, BATCH))
    own.push(...rows.map(({ note }) => ({ source: 'database', note })))
    after = rows.at(-1)?.size ?? after
    if (rows.length < BATCH) break
  }
  const report = await compareAudit(entriesOf(database, head.seq), {
    head,
    checkpoints: [...own, ...outside],
    keys: trusted.keys,
  })
  const foreign = trusted.foreign.map((version) => `the key of version ${version} was not made by this house`)
  return { ...report, ok: report.ok && foreign.length === 0, findings: [...foreign, ...report.findings] }
}
