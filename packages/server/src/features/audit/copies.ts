import { createHmac } from 'node:crypto'
import type { Bucket } from '../../kernel/bucket.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Read } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Ask, CopySettings } from './audit.ports.ts'
import { extendCheckpointFile, type FiledCheckpoint } from './checkpoint-file.ts'
import { openCheckpointBucket } from './checkpoint-bucket.ts'
import { AuditBroken, wholeNote } from './checkpoints.ts'
import {
  type CheckpointRow,
  checkpointAt,
  checkpointsAfter,
  copiedTo,
  insertCosignature,
  listCheckpoints,
  noteCopy,
  storedHashes,
} from './checkpoints.store.ts'
import { consistencyProof } from './merkle.ts'
import { readCheckpoint, readKey, readNote } from './note.ts'
import { askWitness } from './witness.ts'

const TIMEOUT_MS = 10_000
const AT_ONCE = 100

interface CopiesOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly settings: () => CopySettings
  readonly ask: Ask
}

const lineOf = (row: CheckpointRow): FiledCheckpoint => ({
  size: Number(row.size),
  at: row.created_at.toISOString(),
  note: wholeNote(row),
})

const rootOf = ({ note }: FiledCheckpoint) => readCheckpoint(readNote(note)?.text ?? '')?.root

/** Copies checkpoints to where the owner of the database cannot rewrite them. */
export const createCopies = ({ database, clock, log, settings, ask }: CopiesOptions) => {
  const read = <T>(work: (read: Read) => Promise<T>): Promise<T> => database.read('system', work)
  const note = (destination: string, size: bigint, failure: string | null): Promise<void> =>
    database.transaction('system', (transaction) =>
      noteCopy(transaction, { destination, size, at: new Date(clock.now()), failure }),
    )

  /** What the file lacks. @throws AuditBroken where the database does not hold what the file does. */
  const newerThan = async (last: FiledCheckpoint | null): Promise<FiledCheckpoint[]> => {
    if (last !== null) {
      const own = await read((one) => checkpointAt(one, BigInt(last.size)))
      const root = rootOf(last)
      if (own === undefined || root === undefined || !own.root.equals(root))
        throw new AuditBroken(`the file holds a checkpoint of ${last.size} entries that the database does not hold`)
    }
    const lines: FiledCheckpoint[] = []
    for (let after = BigInt(last?.size ?? 0); ; ) {
      const rows = await read((one) => checkpointsAfter(one, after, AT_ONCE))
      lines.push(...rows.map(lineOf))
      after = rows.at(-1)?.size ?? after
      if (rows.length < AT_ONCE) return lines
    }
  }

  const toWebhook = async (destination: string, { url, signingKey }: CopySettings['webhooks'][string]) => {
    const from = await read((one) => copiedTo(one, destination))
    for (const row of await read((one) => checkpointsAfter(one, from, AT_ONCE))) {
      const body = JSON.stringify({ object: 'audit_checkpoint', ...lineOf(row) })
      const seconds = Math.floor(clock.now() / 1_000)
      const headers: Record<string, string> = { 'content-type': 'application/json' }
      if (signingKey !== null)
        headers['x-headgate-signature'] =
          `t=${seconds},v1=${createHmac('sha256', signingKey).update(`${seconds}.${body}`).digest('hex')}`
      const { status } = await ask(url, { headers, body }, TIMEOUT_MS)
      if (status >= 300) throw new Error(`it answered ${status}`)
      await note(destination, row.size, null)
    }
  }

  /** @throws AuditBroken where the bucket holds what the database does not. */
  const toBucket = async (destination: string, bucket: Bucket) => {
    const objects = openCheckpointBucket(bucket, { clock, random: Math.random })
    const from = await read((one) => copiedTo(one, destination))
    let last = from
    for (const row of await read((one) => checkpointsAfter(one, from, AT_ONCE))) {
      const there = await objects.write(lineOf(row))
      if (there !== null && !rootOf(there)?.equals(row.root))
        throw new AuditBroken(`the bucket holds another checkpoint of ${row.size} entries than the database`)
      last = row.size
      await note(destination, last, null)
    }
    const larger = await objects.largerThan(last)
    // Another replica may have been here meanwhile.
    if (larger !== null && (await read((one) => checkpointAt(one, larger))) === undefined)
      throw new AuditBroken(`the bucket holds a checkpoint of ${larger} entries that the database does not hold`)
  }

  const toWitness = async (destination: string, { url, key: text }: CopySettings['witnesses'][string]) => {
    const key = readKey(text)
    if (key === null) throw new Error('its key cannot be read')
    const [row] = await read((one) => listCheckpoints(one, null, 1))
    const former = await read((one) => copiedTo(one, destination))
    if (row === undefined || row.size <= former) return
    const size = Number(row.size)
    const prove = (seen: number) => read((one) => consistencyProof(storedHashes(one), seen, size))
    const lines = await askWitness(ask, { url, key, former: Number(former), size, note: row.note, prove })
    await database.transaction('system', async (transaction) => {
      const at = new Date(clock.now())
      for (const line of lines) await insertCosignature(transaction, { size: row.size, witness: key.name, line, at })
      await noteCopy(transaction, { destination, size: row.size, at, failure: null })
    })
  }

  const attempt = async (destination: string, secret: string, copy: () => Promise<void>): Promise<boolean> => {
    try {
      await copy()
      return true
    } catch (cause) {
      if (cause instanceof AuditBroken) throw cause
      // An address may hold a key, and some errors name it.
      const words = (cause instanceof Error ? cause.message : String(cause)).replaceAll(secret, '***').slice(0, 300)
      log.warn({ component: 'audit', reason: `${destination}: ${words}` }, 'A checkpoint of the audit was not copied')
      await note(destination, 0n, words).catch(() => undefined)
      return false
    }
  }

  return {
    /**
     * Copies what each place lacks; resolves to the places that took nothing. Witnesses come first, so that the others get their
     * lines too. @throws AuditBroken where a place holds what the database does not.
     */
    run: async (): Promise<readonly string[]> => {
      const { file, bucket, webhooks, witnesses } = settings()
      const places = [
        ...Object.entries(witnesses).map(
          ([name, witness]) => [`witness/${name}`, witness.url, () => toWitness(`witness/${name}`, witness)] as const,
        ),
        ...Object.entries(webhooks).map(
          ([name, hook]) => [`webhook/${name}`, hook.url, () => toWebhook(`webhook/${name}`, hook)] as const,
        ),
        ...(bucket === null
          ? []
          : [['bucket', bucket.credentials.secretAccessKey, () => toBucket('bucket', bucket)] as const]),
        // Each machine has a file of its own: the file itself says how far it is.
        ['file', file, () => extendCheckpointFile(file, newerThan)] as const,
      ]
      const failed: string[] = []
      for (const [destination, secret, copy] of places)
        if (!(await attempt(destination, secret, copy))) failed.push(destination)
      return failed
    },
  }
}
export type Copies = ReturnType<typeof createCopies>
