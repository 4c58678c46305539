import { describe, expect, it } from 'vitest'
import { readUsage } from './usage-report.ts'

describe('the usage object', () => {
  it.each([
    [
      'reasoning kept apart (xAI)',
      { prompt_tokens: 5, completion_tokens: 2, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 3 } },
      [5, 0, 5, 3],
    ],
    [
      'reasoning inside the output (OpenAI)',
      { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 3 } },
      [5, 0, 5, 3],
    ],
    [
      'cached input by another name (DeepSeek)',
      { prompt_tokens: 5, completion_tokens: 2, prompt_cache_hit_tokens: 4 },
      [5, 4, 2, 0],
    ],
    [
      'more cached than sent',
      { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9 } },
      [5, 5, 2, 0],
    ],
    ['input alone', { prompt_tokens: 5 }, [5, 0, 0, 0]],
    ['input and total', { prompt_tokens: 5, completion_tokens: null, total_tokens: 9 }, [5, 0, 4, 0]],
    ['details absent', { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: null }, [5, 0, 2, 0]],
    ['zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, [0, 0, 0, 0]],
    ['the most that is believed', { prompt_tokens: 1e10, completion_tokens: 1e10 }, [1e10, 0, 1e10, 0]],
    [
      'absurd details',
      {
        prompt_tokens: 5,
        completion_tokens: 2,
        total_tokens: 1e300,
        prompt_tokens_details: { cached_tokens: 1e300 },
        completion_tokens_details: { reasoning_tokens: 2 ** 50 },
      },
      [5, 0, 2, 0],
    ],
  ])('is read: %s', (_name, value, [inputTokens, cachedInputTokens, outputTokens, reasoningTokens]) => {
    expect(readUsage(value)).toEqual({
      inputTokens,
      cachedInputTokens,
      cacheWriteInputTokens: 0,
      cacheWriteHourInputTokens: 0,
      outputTokens,
      reasoningTokens,
    })
  })

  it.each([
    [{ cached_tokens: 3, cache_write_tokens: 4, cache_write_1h_tokens: 1 }, [3, 4, 1]],
    [{ cached_tokens: 7, cache_write_tokens: 9, cache_write_1h_tokens: 9 }, [7, 3, 3]],
    [{ cache_write_tokens: -1 }, [0, 0, 0]],
  ])('never has more parts of the input than input: %j', (details, [read, written, forHour]) => {
    expect(readUsage({ prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: details })).toMatchObject({
      cachedInputTokens: read,
      cacheWriteInputTokens: written,
      cacheWriteHourInputTokens: forHour,
    })
  })

  it.each([
    null,
    7,
    [],
    {},
    { total_tokens: 5 },
    { completion_tokens: 5 },
    { prompt_tokens: -1 },
    { prompt_tokens: 'many' },
    { prompt_tokens: 5, completion_tokens: 1e300 },
    { prompt_tokens: 5, completion_tokens: 2 ** 53 - 1 },
    { prompt_tokens: 5, completion_tokens: 10_000_000_001 },
    { prompt_tokens: 5, completion_tokens: 1.5 },
    { prompt_tokens: 5, completion_tokens: -1 },
    { prompt_tokens: 5, completion_tokens: '2' },
    { prompt_tokens: 1e300, completion_tokens: 2 },
  ])('says nothing: %j', (value) => {
    expect(readUsage(value)).toBeNull()
  })
})
