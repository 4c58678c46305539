import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Asker, MemoryOwner } from './memories.ports.ts'
import { unit } from './memory-vector.ts'
import type { VectorStore } from './memory-vectors.store.ts'

/** Vectors of texts by a model that is called on the account of whoever asks. */
export interface EmbedPort {
  /** The model that tells meanings now; null where there is none. */
  readonly model: () => string | null
  /** A vector for each text, in their order. @throws AppError as the call was answered. */
  readonly embed: (asker: Asker, model: string, texts: readonly string[]) => Promise<readonly ArrayLike<number>[]>
}

/** What a text was turned into, and by what. */
export interface Embedded {
  readonly model: string
  readonly vector: Float32Array
}

/** Texts of one call. */
const AT_ONCE = 32

interface EmbedderOptions extends EmbedPort {
  readonly database: Database
  readonly vectors: VectorStore
  readonly log: Log
}

/** Turns texts into vectors, and memories that have none yet. */
export const createEmbedder = ({ database, vectors, log, model, embed }: EmbedderOptions) => {
  /** Owners whose memories are being turned, so that nobody pays twice. */
  const underWay = new Map<string, Promise<void>>()
  let isStopping = false

  const told = (error: unknown): void =>
    log.info({ component: 'memories', error: error as Error }, 'Memories could not be turned into vectors')

  /** The next ones after `after`; null where there are no more. */
  const turn = async (asker: Asker, owner: MemoryOwner, name: string, after: string | null): Promise<string | null> => {
    const found = await vectors.without(owner, name, after, AT_ONCE)
    if (found.length === 0) return null
    const made = await embed(
      asker,
      name,
      found.map(({ text }) => text),
    )
    await database.transaction({ project: owner.project }, async (transaction) => {
      for (const [index, { id }] of found.entries()) {
        const vector = unit(made[index] ?? [])
        if (vector !== null) await vectors.put(transaction, owner, id, name, vector)
      }
    })
    return found.length < AT_ONCE ? null : (found.at(-1)?.id ?? null)
  }

  /** Turns those that are left; one walk through them, whatever comes of each. */
  const turnAll = (asker: Asker, owner: MemoryOwner, name: string, from: string | null): Promise<void> => {
    const key = JSON.stringify([owner.project, owner.subject, name])
    const standing = underWay.get(key)
    if (standing !== undefined) return standing
    const work = async (): Promise<void> => {
      let after = from
      do after = await turn(asker, owner, name, after)
      while (after !== null && !isStopping)
    }
    const done = work()
      .catch(told)
      .finally(() => underWay.delete(key))
    underWay.set(key, done)
    return done
  }

  return {
    model,
    /** The meaning of a text; null where there is no model, or none that answers. */
    embed: async (asker: Asker, text: string): Promise<Embedded | null> => {
      const name = model()
      if (name === null) return null
      try {
        const [made] = await embed(asker, name, [text])
        const vector = unit(made ?? [])
        return vector === null ? null : { model: name, vector }
      } catch (error) {
        told(error)
        return null
      }
    },
    /** Turns some that have no vector, and goes on with the others by itself. Resolves after the first of them, whatever came of it. */
    catchUp: async (asker: Asker, owner: MemoryOwner): Promise<void> => {
      const name = model()
      if (name === null) return
      try {
        const after = await turn(asker, owner, name, null)
        if (after !== null) void turnAll(asker, owner, name, after)
      } catch (error) {
        told(error)
      }
    },
    /** The same, without waiting for any. */
    catchUpLater: (asker: Asker, owner: MemoryOwner): void => {
      const name = model()
      if (name !== null) void turnAll(asker, owner, name, null)
    },
    stop: async (): Promise<void> => {
      isStopping = true
      await Promise.all(underWay.values())
    },
  }
}
export type Embedder = ReturnType<typeof createEmbedder>
