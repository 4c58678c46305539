import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { assembled } from '../__fixtures__/assembled.ts'
import { hear, pieces } from '../__fixtures__/hear.ts'
import { createSseReader } from '../translation/sse-reader.ts'
import { translateAnswer } from './answer.ts'
import { CandidateTranslator } from './events.ts'
import { geminiFault } from './faults.ts'

const read = (name: string): Buffer => readFileSync(new URL(`./__fixtures__/${name}`, import.meta.url))
const heardOf = (bytes: Buffer, length = bytes.length) =>
  hear(pieces(bytes, length), createSseReader(), new CandidateTranslator('asked', 0, []))
const answerOf = (name: string) => assembled(heardOf(read(name)).text)

describe('a stream of Gemini’s', () => {
  it('is a chat completion, the same in pieces of any length', () => {
    expect(answerOf('text.sse')).toMatchObject({
      message: { content: 'Guten Tag – 你好 👋' },
      finish: 'stop',
      usage: { prompt_tokens: 17, completion_tokens: 9 },
    })
    for (const name of ['text.sse', 'thinking.sse', 'tools.sse']) {
      const whole = heardOf(read(name))
      expect(whole).toMatchObject({ ending: 'end', text: expect.stringMatching(/data: \[DONE\]\n\n$/) })
      for (const length of [1, 2, 7, 64]) expect(heardOf(read(name), length)).toEqual(whole)
    }
  })

  it('tells thoughts apart, keeps their signature and counts them', () => {
    expect(answerOf('thinking.sse')).toMatchObject({
      message: {
        content: '42',
        reasoning_content: '**Multiplying**\n\nSix times seven.',
        extra_content: { google: { thought_signature: 'c2lnbmVk' } },
      },
      finish: 'length',
      usage: {
        prompt_tokens: 4120,
        completion_tokens: 43,
        prompt_tokens_details: { cached_tokens: 4096 },
        completion_tokens_details: { reasoning_tokens: 41 },
      },
    })
  })

  it('numbers calls, names those without an id, and signs the first', () => {
    const { message, finish } = answerOf('tools.sse')
    expect(finish).toBe('tool_calls')
    expect(message.tool_calls).toEqual([
      {
        id: 'fc_1',
        type: 'function',
        function: { name: 'weather', arguments: '{"city":"Ulm"}' },
        extra_content: { google: { thought_signature: 'c2lnbmVk' } },
      },
      { id: 'call_resp-tools_0', type: 'function', function: { name: 'time', arguments: '{}' } },
    ])
  })

  it('without a reason to end is cut, and a blocked prompt or an error is one', () => {
    const [first = ''] = read('text.sse').toString().split('\n\n')
    const cut = heardOf(Buffer.from(`${first}\n\n`))
    expect(cut).toMatchObject({ ending: 'end', text: expect.not.stringContaining('[DONE]') })
    expect(heardOf(read('blocked.sse'))).toEqual({ text: '', ending: 'upstream_content_refused' })
    expect(heardOf(read('error.sse'))).toMatchObject({
      text: expect.stringContaining('Guten'),
      ending: 'upstream_overloaded',
    })
    expect(heardOf(Buffer.from('data: [1]\n\n')).ending).toBe('upstream_malformed')
  })
})

describe('a whole answer of Gemini’s', () => {
  it('ends by the filter where Gemini says so, and several candidates are several choices', () => {
    const candidates = ['STOP', 'SAFETY', 'LATER_THOUGHT_OF'].map((finishReason, index) => ({
      content: { parts: [{ text: String(index) }] },
      finishReason,
      index,
    }))
    const { body, usage } = translateAnswer(Buffer.from(JSON.stringify({ candidates })), 'asked', 0)
    const { choices, model } = JSON.parse(body.toString())
    expect(choices.map((choice: { finish_reason: string }) => choice.finish_reason)).toEqual([
      'stop',
      'content_filter',
      'stop',
    ])
    expect([model, usage]).toEqual(['asked', null])
  })

  it('is refused or malformed where it holds none', () => {
    const of = (value: unknown) => () => translateAnswer(Buffer.from(JSON.stringify(value)), 'asked', 0)
    expect(of({ promptFeedback: { blockReason: 'SAFETY' } })).toThrow(
      expect.objectContaining({ code: 'upstream_content_refused' }),
    )
    for (const value of [{}, [], null, { candidates: 'x' }])
      expect(of(value)).toThrow(expect.objectContaining({ code: 'upstream_malformed' }))
  })
})

describe('an error of Gemini’s', () => {
  const judged = (status: number, body: unknown) => {
    const { code, retry, upstreamRetryAfterMs } = geminiFault(status, body, undefined, [])
    return [code, retry, upstreamRetryAfterMs]
  }

  it('with a delay is a rate, though its words speak of a quota', () => {
    const quota = JSON.parse(read('quota.json').toString()) as { error: { details: unknown[] } }
    expect(judged(429, quota)).toEqual(['upstream_rate_limited', 'anywhere', 34_075])
    quota.error.details = []
    expect(judged(429, quota)[0]).toBe('provider_quota_exhausted')
  })

  it('about the key comes with 400, about the model with 404', () => {
    const details = [{ reason: 'API_KEY_INVALID', domain: 'googleapis.com' }]
    expect(judged(400, { error: { message: 'API key not valid.', details } })[0]).toBe('provider_auth_failed')
    expect(judged(404, [{ error: { message: 'models/x is not found for API version v1beta' } }])[0]).toBe(
      'model_not_found',
    )
    expect(
      judged(400, { error: { message: 'The input token count exceeds the maximum number of tokens allowed' } })[0],
    ).toMatch(/context_length_exceeded|upstream_invalid_request/)
  })
})
