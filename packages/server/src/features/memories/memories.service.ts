import type { ChangeMemory, RevokeMemories } from '@headgate/contract/memories.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { MemoryOwner, MemoryState, NewMemory, SourceEntry, StoredMemory } from './memories.ports.ts'
import type { MemoryStore } from './memories.store.ts'
import type { VectorStore } from './memory-vectors.store.ts'
import { dateOf } from './memory-views.ts'

/** What was written, and whether it was known before. */
export interface Written {
  readonly memory: StoredMemory
  readonly wasMerged: boolean
}

/** What taking a source back did. */
export interface Revoked {
  readonly deleted: number
  /** Something else said so too. */
  readonly kept: number
}

/** Sources that one memory tells of: the first, and the last ones. */
const MOST_SOURCES = 16
/** Memories that one transaction takes a source from. */
const REVOKE_AT_ONCE = 100

const highest = (sources: readonly SourceEntry[]): number =>
  sources.reduce((most, { confidence }) => Math.max(most, confidence), 0)

/** Each source once, with the most that it was ever sure, and when it last said so. */
const mergedSources = (one: readonly SourceEntry[], other: readonly SourceEntry[]): readonly SourceEntry[] => {
  const byName = new Map<string, SourceEntry>()
  for (const source of [...one, ...other]) {
    const name = JSON.stringify([source.type, source.id])
    const former = byName.get(name)
    byName.set(name, {
      ...source,
      confidence: Math.max(source.confidence, former?.confidence ?? 0),
      notedAt: Math.max(source.notedAt, former?.notedAt ?? 0),
    })
  }
  const [first, ...rest] = [...byName.values()]
  return first === undefined ? [] : [first, ...rest.slice(-(MOST_SOURCES - 1))]
}

const later = (one: Date | null, other: Date | null): Date | null =>
  one === null || other === null ? null : one > other ? one : other

/** What stands there, said once more. */
export const merged = (standing: StoredMemory, again: NewMemory): StoredMemory => ({
  ...standing,
  sources: mergedSources(standing.sources, again.sources),
  confidence: Math.max(standing.confidence, again.confidence),
  confirmedAt: standing.confirmedAt > again.confirmedAt ? standing.confirmedAt : again.confirmedAt,
  createdAt: standing.createdAt,
  expiresAt: later(standing.expiresAt, again.expiresAt),
})

interface ServiceOptions {
  readonly database: Database
  readonly store: MemoryStore
  readonly vectors: Pick<VectorStore, 'remove'>
  readonly now: () => number
}

/** Remembers, changes and forgets. */
export const createMemoryService = ({ database, store, vectors, now }: ServiceOptions) => {
  /**
   * Writes one of an owner that is held: merged with what says the same, else as another one. `near` is one that a model takes for the same.
   */
  const remember = async (
    transaction: Transaction,
    owner: MemoryOwner,
    memory: NewMemory,
    near: string | null = null,
  ): Promise<Written> => {
    const same = await store.same(transaction, owner, memory.text)
    const standing =
      same?.state === 'kept' || near === null ? same : ((await store.findKept(transaction, owner, near)) ?? same)
    if (standing?.state === 'kept')
      return { memory: await store.write(transaction, owner, merged(standing, memory)), wasMerged: true }
    // It is said now, so it need not be proposed any more.
    if (standing !== null) await store.remove(transaction, owner, standing.id)
    await store.checkRoom(transaction, owner, 1)
    return { memory: await store.insert(transaction, owner, 'kept', memory), wasMerged: false }
  }
  const held = <T>(owner: MemoryOwner, work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      await store.hold(transaction, owner)
      return work(transaction)
    })

  return {
    held,
    remember,

    /** @throws AppError `memory_not_found`, `memory_changed` */
    change: (owner: MemoryOwner, id: string, version: number | null, asked: ChangeMemory): Promise<StoredMemory> =>
      held(owner, async (transaction) => {
        const before = await store.find(transaction, owner, id, 'kept', version)
        const { expires_at: expiresAt } = asked
        if (asked.text !== undefined && asked.text !== before.text) await vectors.remove(transaction, owner, id)
        return store.write(transaction, owner, {
          ...before,
          text: asked.text ?? before.text,
          kind: asked.kind ?? before.kind,
          scope: asked.scope ?? before.scope,
          confidence: asked.confidence ?? before.confidence,
          confirmedAt: new Date(now()),
          ...(expiresAt !== undefined && { expiresAt: dateOf(expiresAt) }),
        })
      }),

    /** @throws AppError `memory_not_found`, `memory_changed` */
    remove: (owner: MemoryOwner, id: string, state: MemoryState, version: number | null): Promise<void> =>
      held(owner, async (transaction) => {
        await store.find(transaction, owner, id, state, version)
        await store.remove(transaction, owner, id)
      }),

    /**
     * Takes back what a source said, a batch in a transaction: what nothing else said is gone. Ends, because each batch leaves fewer.
     * `record` tells the audit of each batch in its transaction.
     */
    revoke: async (
      owner: MemoryOwner,
      { source }: RevokeMemories,
      record: (transaction: Transaction, done: Revoked) => Promise<void>,
    ): Promise<Revoked> => {
      const done = { deleted: 0, kept: 0 }
      const isOf = ({ type, id }: SourceEntry): boolean =>
        type === source.type && (typeof source.id !== 'string' || id === source.id)
      for (;;) {
        const many = await held(owner, async (transaction) => {
          const rows = await store.ofSource(transaction, owner, source, REVOKE_AT_ONCE)
          const before = { ...done }
          for (const memory of await store.openAll(transaction, owner, rows)) {
            const sources = memory.sources.filter((entry) => !isOf(entry))
            if (sources.length === 0) {
              await store.remove(transaction, owner, memory.id)
              done.deleted += 1
            } else {
              const confidence = Math.min(memory.confidence, highest(sources))
              await store.write(transaction, owner, { ...memory, sources, confidence })
              done.kept += 1
            }
          }
          if (rows.length > 0)
            await record(transaction, { deleted: done.deleted - before.deleted, kept: done.kept - before.kept })
          return rows.length
        })
        if (many < REVOKE_AT_ONCE) return done
      }
    },
  }
}
export type MemoryService = ReturnType<typeof createMemoryService>
