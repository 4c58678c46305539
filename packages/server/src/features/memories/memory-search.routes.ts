import {
  type MemoryMatches,
  MemoryMatchesSchema,
  type SearchMemories,
  SearchMemoriesSchema,
} from '@headgate/contract/memory-search.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { ownerOf } from './memory-owner.ts'
import type { MemorySearch, SearchResult } from './memory-search.ts'
import { memoryView, type ViewTime } from './memory-views.ts'

interface SearchRoutesOptions {
  readonly search: MemorySearch
  /** Whether a model is there that could tell meanings. */
  readonly hasModel: () => boolean
  readonly time: () => ViewTime
}

const USUAL_FOUND = 10
const rounded = (value: number): number => Math.round(value * 10_000) / 10_000

const noticeOf = ({ mode, unembedded }: SearchResult, hasModel: boolean): string | null => {
  if (mode === 'text')
    return hasModel
      ? 'The embedding model did not answer: only words were compared.'
      : 'No embedding model is configured: only words were compared.'
  return unembedded === 0 ? null : `${unembedded} memories have no vector yet: only their words were compared.`
}

/** `/v1/memories/search`. */
export const memorySearchRoutes = ({ search, hasModel, time }: SearchRoutesOptions): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/memories/search',
    summary: 'Finds memories by what they mean and by their words.',
    access: 'caller',
    browser: 'person',
    prefixedOnly: true,
    body: SearchMemoriesSchema,
    reference: {
      operationId: 'searchMemories',
      tag: 'Memories',
      description:
        'Every memory of one’s own is compared. Where an embedding model is there, meaning counts most; it is called on the account of the call.',
      answer: MemoryMatchesSchema,
    },
    handle: async ({ body, exchange }) => {
      const { query, limit = USUAL_FOUND, kind, scope, min_score: minScore = 0 } = body as SearchMemories
      const text = query.trim()
      if (text === '')
        throw new AppError('invalid_parameter', {
          details: [{ location: 'query', message: 'is blank', fix: 'Write what is looked for.' }],
        })
      const result = await search.find(exchange, ownerOf(exchange), { text, limit, minScore, kind, scope })
      const value: MemoryMatches = {
        object: 'list',
        mode: result.mode,
        model: result.model,
        notice: noticeOf(result, hasModel()),
        weights: result.weights,
        data: result.found.map(({ memory, score, scores }) => ({
          object: 'memory.match',
          score: Math.min(1, rounded(score)),
          scores: {
            vector: scores.vector === null ? null : rounded(scores.vector),
            text: Math.min(1, rounded(scores.text)),
            recency: rounded(scores.recency),
            confidence: rounded(scores.confidence),
          },
          memory: memoryView(memory, time()),
        })),
      }
      return { kind: 'json', value }
    },
  }),
]
