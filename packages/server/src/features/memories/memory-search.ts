import type { Database } from '../../kernel/db.ts'
import type { Asker, MemoryOwner, StoredMemory } from './memories.ports.ts'
import type { MemoryStore } from './memories.store.ts'
import type { Embedded, Embedder } from './memory-embedder.ts'
import {
  createBest,
  hybridWeights,
  type Scores,
  scoreOf,
  textWeights,
  type Weights,
  wordScores,
} from './memory-score.ts'
import type { Narrowing, VectorStore } from './memory-vectors.store.ts'
import { saysTheSame } from './memory-words.ts'

/** What is looked for. */
export interface SearchWish extends Narrowing {
  readonly text: string
  readonly limit: number
  readonly minScore: number
}

/** A memory that was found, and why. */
export interface FoundMemory {
  readonly memory: StoredMemory
  readonly score: number
  readonly scores: Scores
}

/** What was found, and how. */
export interface SearchResult {
  readonly mode: 'hybrid' | 'text'
  readonly model: string | null
  readonly weights: Weights
  /** Memories that only their words can find, for now. */
  readonly unembedded: number
  readonly found: readonly FoundMemory[]
}

/** From here on a model may take two statements for one. */
const NEAR = 0.95

interface SearchOptions {
  readonly database: Database
  readonly store: MemoryStore
  readonly vectors: VectorStore
  readonly embedder: Embedder
  readonly now: () => number
}

/** Finds memories by meaning and by words. */
export const createMemorySearch = ({ database, store, vectors, embedder, now }: SearchOptions) => {
  const ranked = async (owner: MemoryOwner, wish: SearchWish, query: Embedded | null) => {
    const weights = query === null ? textWeights : hybridWeights
    const best = createBest(wish.limit)
    const add = (...score: Parameters<typeof scoreOf>): void => {
      const one = scoreOf(...score)
      if (one.score >= wish.minScore) best.add(one)
    }
    await database.read({ project: owner.project }, async (read) => {
      const { words, total, found } = await vectors.matchWords(read, owner, wish.text, wish)
      const texts = wordScores(words, total, found)
      const seen = new Set<string>()
      if (query !== null)
        await vectors.compare(read, owner, query, wish, (candidate) => {
          seen.add(candidate.id)
          add(candidate, texts.get(candidate.id) ?? 0, weights, now())
        })
      for (const { candidate } of found)
        if (!seen.has(candidate.id)) add(candidate, texts.get(candidate.id) ?? 0, weights, now())
    })
    return { weights, best: best.read() }
  }

  return {
    /** What of an owner is nearest to a text: every memory of theirs is compared. */
    find: async (asker: Asker, owner: MemoryOwner, wish: SearchWish): Promise<SearchResult> => {
      const query = await embedder.embed(asker, wish.text)
      if (query !== null) await embedder.catchUp(asker, owner)
      const { weights, best } = await ranked(owner, wish, query)
      const memories = new Map(
        (
          await store.pick(
            owner,
            best.map(({ id }) => id),
          )
        ).map((memory) => [memory.id, memory]),
      )
      return {
        mode: query === null ? 'text' : 'hybrid',
        model: query?.model ?? null,
        weights,
        unembedded: query === null ? 0 : await vectors.pending(owner, query.model),
        found: best.flatMap(({ id, score, scores }) => {
          const memory = memories.get(id)
          return memory === undefined ? [] : [{ memory, score, scores }]
        }),
      }
    },

    /** The id of one that says the same as a text; null where none does. */
    same: async (owner: MemoryOwner, text: string, meaning: Embedded): Promise<string | null> => {
      const best = createBest(3)
      await database.read({ project: owner.project }, (read) =>
        vectors.compare(read, owner, meaning, {}, (candidate) => {
          if ((candidate.vector ?? 0) >= NEAR)
            best.add({ ...scoreOf(candidate, 0, hybridWeights, 0), score: candidate.vector ?? 0 })
        }),
      )
      const near = best.read().map(({ id }) => id)
      if (near.length === 0) return null
      const memories = await store.pick(owner, near)
      return near.find((id) => memories.some((memory) => memory.id === id && saysTheSame(memory.text, text))) ?? null
    },
  }
}
export type MemorySearch = ReturnType<typeof createMemorySearch>
