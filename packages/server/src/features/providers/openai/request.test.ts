import { describe, expect, it } from 'vitest'
import { requestOf } from '../__fixtures__/setting.ts'
import { providerHeaders, upstreamBody, withPresentCap } from './request.ts'

const spliced = (text: string, model: string): string => upstreamBody(requestOf(text), model, true).toString()

describe('the body that goes upstream', () => {
  it('is the very same buffer when nothing needs changing', () => {
    const request = requestOf('{"model":"gpt-4o","messages":[],"x":1.0e2}')
    expect(upstreamBody(request, 'gpt-4o', true)).toBe(request.body)
    const stream = requestOf('{"stream_options":{"include_usage":true},"stream":true,"model":"gpt-4o"}')
    expect(upstreamBody(stream, 'gpt-4o', true)).toBe(stream.body)
  })

  it.each([
    ['{"model":"up/m"}', '{"model":"m"}'],
    ['{ "model" :\t"up/m" ,\n"a":1.50 }', '{ "model" :\t"m" ,\n"a":1.50 }'],
    [
      '{"messages":[{"model":"up/m"}],"model":"up/m","z":{"model":"up/m"}}',
      '{"messages":[{"model":"up/m"}],"model":"m","z":{"model":"up/m"}}',
    ],
    [
      '{"a":"é😀\\u00e9 \\"model\\": 1","model":"up/m","b":12345678901234567890}',
      '{"a":"é😀\\u00e9 \\"model\\": 1","model":"m","b":12345678901234567890}',
    ],
    ['{"mod\\u0065l":"up/m"}', '{"mod\\u0065l":"m"}'],
    ['{"model":"up\\/m"}', '{"model":"m"}'],
  ])('renames the model and nothing else: %s', (text, expected) => {
    expect(spliced(text, 'm')).toBe(expected)
  })

  it('quotes a model name that needs it', () => {
    expect(spliced('{"model":"up/m"}', 'a"b\\ü')).toBe('{"model":"a\\"b\\\\ü"}')
  })

  it.each([
    ['{"model":"m","stream":true}', '{"model":"m","stream_options":{"include_usage":true},"stream":true}'],
    ['{"stream":true,"model":"up/m"}', '{"stream":true,"model":"m","stream_options":{"include_usage":true}}'],
    [
      '{"model":"up/m","stream_options":null,"stream":true}',
      '{"model":"m","stream_options":{"include_usage":true},"stream":true}',
    ],
    [
      '{"stream_options": {"include_usage":false,"x":{"y":[1]}} ,"stream":true,"model":"up/m" }',
      '{"stream_options": {"include_usage":true,"x":{"y":[1]}} ,"stream":true,"model":"m" }',
    ],
    [
      '{"model":"m","stream":true,"stream_options":{}}',
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
    ],
  ])('always asks for the usage of a stream: %s', (text, expected) => {
    expect(spliced(text, 'm')).toBe(expected)
  })

  it.each([
    ['{"model":"up/m","stream":true}', '{"model":"m","stream":true}'],
    ['{"stream_options":{},"stream":true,"model":"up/m"}', '{"stream_options":{},"stream":true,"model":"m"}'],
  ])('never asks for it where the provider does not know the option: %s', (text, expected) => {
    expect(upstreamBody(requestOf(text), 'm', false).toString()).toBe(expected)
    const named = requestOf(text)
    expect(upstreamBody(named, named.model, false)).toBe(named.body)
  })

  it('copies a large body once instead of writing it anew', () => {
    const content = 'x'.repeat(8_000_000)
    const request = requestOf(`{"messages":[{"role":"user","content":"${content}"}],"model":"up/m"}`)
    const before = performance.now()
    const body = upstreamBody(request, 'm', true)
    expect(performance.now() - before).toBeLessThan(250)
    expect(body.length).toBe(request.body.length - 'up/'.length)
  })
})

describe('the cap of a translated request', () => {
  it('gets the name that OpenAI itself asks for, wherever it stands', () => {
    for (const text of [
      '{"max_tokens":7,"model":"up/m","stream":true}',
      '{"model":"up/m","stream":true,"max_tokens":7}',
    ]) {
      const renamed = withPresentCap(requestOf(text))
      expect(JSON.parse(upstreamBody(renamed, 'mini', true).toString())).toEqual({
        model: 'mini',
        stream: true,
        stream_options: { include_usage: true },
        max_completion_tokens: 7,
      })
    }
    const without = requestOf('{"model":"up/m"}')
    expect(withPresentCap(without)).toBe(without)
  })
})

describe('the headers that go upstream', () => {
  it('are ours, and the configured ones, which cannot frame the message', () => {
    const flat = providerHeaders(
      'k',
      { 'OpenAI-Organization': 'org', 'User-Agent': 'mine', Host: 'evil', 'Content-Length': '1' },
      '1.2.3',
    )
    const headers = Object.fromEntries(
      Array.from({ length: flat.length / 2 }, (_, index) => flat.slice(index * 2, index * 2 + 2)),
    )
    expect(headers).toEqual({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'mine',
      authorization: 'Bearer k',
      'openai-organization': 'org',
    })
  })
})
