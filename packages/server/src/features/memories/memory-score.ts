import type { Candidate, WordsFound } from './memory-vectors.store.ts'

/** The parts of a score, each from 0 to 1; `vector` is null where there is none. */
export interface Scores {
  readonly vector: number | null
  readonly text: number
  readonly recency: number
  readonly confidence: number
}
export type Weights = Readonly<Record<keyof Scores, number>>

/** What each part counts for. Meaning counts most by far: words by themselves find few paraphrases, and would push them down. */
export const hybridWeights: Weights = { vector: 0.8, text: 0.12, recency: 0.03, confidence: 0.05 }
/** Where no model tells the meaning. */
export const textWeights: Weights = { vector: 0, text: 0.85, recency: 0.05, confidence: 0.1 }

const DAY_MS = 86_400_000
/** After so long recency is half. */
const HALF_LIFE_DAYS = 90

/** A memory that was found, and why. */
export interface Scored {
  readonly id: string
  readonly score: number
  readonly scores: Scores
}

/**
 * How much of what can be found by words each memory has, rare words more than common ones (the weight of BM25), by id. Words that nobody
 * has count for nothing.
 */
export const wordScores = (
  words: readonly string[],
  total: number,
  found: readonly WordsFound[],
): ReadonlyMap<string, number> => {
  const many = new Map<string, number>()
  for (const { words: had } of found) for (const word of had) many.set(word, (many.get(word) ?? 0) + 1)
  const rarity = (word: string): number => {
    const holders = many.get(word) ?? 0
    return Math.log(1 + (Math.max(total, holders) - holders + 0.5) / (holders + 0.5))
  }
  const most = words.filter((word) => many.has(word)).reduce((sum, word) => sum + rarity(word), 0)
  return new Map(
    found.map(({ candidate, words: had }) => [
      candidate.id,
      most === 0 ? 0 : had.reduce((sum, word) => sum + rarity(word), 0) / most,
    ]),
  )
}

/** The score of one. */
export const scoreOf = (
  { id, vector, confidence, confirmedAt }: Candidate,
  text: number,
  weights: Weights,
  now: number,
): Scored => {
  const days = Math.max(0, now - confirmedAt.getTime()) / DAY_MS
  const scores: Scores = {
    vector: vector === null ? null : Math.min(1, Math.max(0, vector)),
    text,
    recency: 0.5 ** (days / HALF_LIFE_DAYS),
    confidence,
  }
  const score =
    weights.vector * (scores.vector ?? 0) +
    weights.text * scores.text +
    weights.recency * scores.recency +
    weights.confidence * scores.confidence
  return { id, score, scores }
}

/** Keeps the best of what it is given, the best first. */
export const createBest = (limit: number) => {
  const best: Scored[] = []
  return {
    add: (one: Scored): void => {
      const last = best.at(-1)
      if (best.length >= limit && last !== undefined && last.score >= one.score) return
      // From the end, where most belong.
      let at = best.length
      while (at > 0 && (best[at - 1] as Scored).score < one.score) at -= 1
      best.splice(at, 0, one)
      if (best.length > limit) best.pop()
    },
    read: (): readonly Scored[] => best,
  }
}
