import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'

type Report = Readonly<Record<string, unknown>>

const reportOf = (value: unknown): Report => (typeof value === 'object' && value !== null ? (value as Report) : {})

/** A later report over an earlier one: counts are cumulative, and null or absent ones keep what was said before. */
export const merge = (earlier: Report, later: unknown): Report => ({
  ...earlier,
  ...Object.fromEntries(Object.entries(reportOf(later)).filter(([, value]) => value !== null && value !== undefined)),
})

const count = (value: unknown): number => (typeof value === 'number' ? value : 0)

/**
 * Anthropic's usage in OpenAI's shape; null when the input is not counted. Anthropic keeps cached input out of
 * `input_tokens` (SDK type `Usage`: the whole input is the sum of the three), OpenAI keeps it in `prompt_tokens`.
 * `cache_write_1h_tokens` is the part of `cache_write_tokens` that is kept for an hour and costs more.
 */
export const openaiUsage = (report: Report) => {
  if (typeof report['input_tokens'] !== 'number') return null
  const read = count(report['cache_read_input_tokens'])
  const written = count(report['cache_creation_input_tokens'])
  const writtenForHour = count(reportOf(report['cache_creation'])['ephemeral_1h_input_tokens'])
  const prompt = report['input_tokens'] + read + written
  const completion = count(report['output_tokens'])
  const thinking = reportOf(report['output_tokens_details'])['thinking_tokens']
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: read,
      cache_write_tokens: written,
      ...(writtenForHour > 0 && { cache_write_1h_tokens: writtenForHour }),
    },
    ...(typeof thinking === 'number' && { completion_tokens_details: { reasoning_tokens: thinking } }),
  }
}

/** Usage in OpenAI's shape as the house counts it. */
export const countedUsage = (usage: ReturnType<typeof openaiUsage>): Usage | null =>
  usage === null ? null : readUsage(usage)
