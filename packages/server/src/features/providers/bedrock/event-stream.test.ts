import { eventStreamMessage } from '@headgate/qa/upstream/event-stream.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hear, pieces } from '../__fixtures__/hear.ts'
import { createFramedReader, createMessageReader, FirstMessageScanner } from './event-stream.ts'
import { ConverseTranslator } from './events.ts'
import { eventStreamFraming } from './faults.ts'

const event = (type: string, value: object): Buffer =>
  eventStreamMessage({ ':event-type': type, ':message-type': 'event' }, JSON.stringify(value))
const exception = (type: string, message: string): Buffer =>
  eventStreamMessage({ ':exception-type': type, ':message-type': 'exception' }, JSON.stringify({ message }))

/** Shapes of docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html; texts and counts are made up. */
const answer = [
  event('messageStart', { role: 'assistant' }),
  event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Six times ' } } }),
  event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'seven.' } } }),
  event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'c2ln' } } }),
  event('contentBlockStop', { contentBlockIndex: 0 }),
  event('contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'Grüß 👋' } }),
  event('contentBlockStop', { contentBlockIndex: 1 }),
  event('contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { toolUseId: 't1', name: 'time' } } }),
  event('contentBlockStop', { contentBlockIndex: 2 }),
  event('somethingNew', { a: 1 }),
  event('messageStop', { stopReason: 'tool_use' }),
  event('metadata', {
    usage: { inputTokens: 5, outputTokens: 30, totalTokens: 45, cacheReadInputTokens: 7, cacheWriteInputTokens: 3 },
  }),
]
const heardOf = (bytes: Buffer, length = bytes.length) =>
  hear(pieces(bytes, length), createFramedReader(), new ConverseTranslator('m', 'chatcmpl-1', 0, []))

describe('the framing', () => {
  // From the published cases of the format (smithy.io/2.0/aws/amazon-eventstream.html, “Test cases”).
  it.each([
    ['an empty message', '000000100000000005c248eb7d98c8ff', {}, ''],
    ['a payload alone', '0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936', {}, "{'foo':'bar'}"],
    [
      'a header that is a number',
      '0000002d0000001041c424b80a6576656e742d74797065040000a00c7b27666f6f273a27626172277d36f480a0',
      {},
      "{'foo':'bar'}",
    ],
    [
      'a header that is a text',
      '0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1',
      { 'content-type': 'application/json' },
      "{'foo':'bar'}",
    ],
  ])('reads %s', (_, hex, headers, payload) => {
    const [message] = createMessageReader().push(Buffer.from(hex, 'hex'))
    expect(message?.headers).toEqual(headers)
    expect(message?.payload.toString()).toBe(payload)
  })

  it('notices any byte that is another', () => {
    const bytes = Buffer.concat(answer.slice(0, 2))
    for (let at = 0; at < bytes.length; at++) {
      const bent = Buffer.from(bytes)
      bent[at] = (bent[at] as number) ^ 0x10
      expect(heardOf(bent).ending).toBe('upstream_malformed')
    }
  })

  it('finds the end of the first message in any pieces', () => {
    const [first = Buffer.alloc(0)] = answer
    const bytes = Buffer.concat(answer)
    for (const length of [1, 3, 4, 11, first.length, bytes.length]) {
      const scanner = new FirstMessageScanner()
      let seen = 0
      for (const piece of pieces(bytes, length)) {
        const end = scanner.scan(piece)
        if (end >= 0) {
          expect(seen + end).toBe(first.length)
          break
        }
        seen += piece.length
      }
    }
    expect(new FirstMessageScanner().scan(Buffer.from('<html>'))).toBe(6)
    expect(eventStreamFraming.faultOf(Buffer.from('<!doctype html><html>'), [])?.code).toBe('upstream_malformed')
  })
})

describe('a stream of Bedrock’s', () => {
  it('is a chat completion, the same in pieces of any length', () => {
    const bytes = Buffer.concat(answer)
    const whole = heardOf(bytes)
    const chunks = whole.text.split('\n\n').filter((one) => one.startsWith('data: {'))
    const deltas = chunks.map((chunk) => JSON.parse(chunk.slice(6)).choices[0]?.delta)
    expect(deltas.slice(0, -1)).toEqual([
      { role: 'assistant', content: '', refusal: null },
      { reasoning_content: 'Six times ' },
      { reasoning_content: 'seven.' },
      { content: 'Grüß 👋' },
      { tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'time', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
      { thinking_blocks: [{ type: 'thinking', thinking: 'Six times seven.', signature: 'c2ln' }] },
    ])
    expect(JSON.parse(chunks.at(-1)?.slice(6) ?? '')).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 15,
        completion_tokens: 30,
        prompt_tokens_details: { cached_tokens: 7, cache_write_tokens: 3 },
      },
    })
    expect(whole).toMatchObject({ ending: 'end', text: expect.stringMatching(/data: \[DONE\]\n\n$/) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length }), (length) => {
        expect(heardOf(bytes, length)).toEqual(whole)
      }),
      { numRuns: 60, seed: 7 },
    )
  })

  it('without its end has no terminal, and an exception is a fault', () => {
    expect(heardOf(Buffer.concat(answer.slice(0, 6)))).toMatchObject({
      ending: 'end',
      text: expect.not.stringContaining('[DONE]'),
    })
    const failing = Buffer.concat([...answer.slice(0, 2), exception('throttlingException', 'Too many requests')])
    expect(heardOf(failing)).toMatchObject({
      text: expect.stringContaining('Six times'),
      ending: 'upstream_rate_limited',
    })
    const fault = (type: string) => eventStreamFraming.faultOf(exception(type, 'No.'), [])
    expect(fault('modelStreamErrorException')).toMatchObject({ code: 'upstream_error', retry: 'anywhere' })
    expect(fault('validationException')?.code).toBe('upstream_invalid_request')
    expect(eventStreamFraming.faultOf(answer[0] as Buffer, [])).toBeNull()
  })
})
