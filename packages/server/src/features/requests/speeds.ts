import { quantileOf } from '../../domain/latency.ts'
import type { ModelSpeed } from '../../domain/model-facts.ts'
import type { SpeedRows } from './minutes.store.ts'

/** Where answers are texts, so that their tokens and first parts compare. */
export const textRoutes: readonly string[] = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/messages',
  '/v1/responses',
  '/text/*',
]

const tenth = (value: number): number => Math.round(value * 10) / 10

/** The speeds of targets, by `provider/model`. */
export const speedsOf = ({ sums, firstBytes }: SpeedRows): Map<string, ModelSpeed> => {
  const buckets = Map.groupBy(firstBytes, ({ target }) => target)
  return new Map(
    sums.map((row) => {
      const counts = new Map((buckets.get(row.target) ?? []).map(({ bucket, count }) => [bucket, count]))
      const p50 = quantileOf(counts, 0.5)
      const p95 = quantileOf(counts, 0.95)
      const isCounted = row.output_tokens > 0 && row.counted_ms > 0
      return [
        row.target,
        {
          lastAt: row.last_at,
          answers: row.answers,
          firstToken: p50 === null || p95 === null ? null : { p50, p95 },
          outputTokensPerSecond: isCounted ? tenth((row.output_tokens / row.counted_ms) * 1_000) : null,
        },
      ]
    }),
  )
}
