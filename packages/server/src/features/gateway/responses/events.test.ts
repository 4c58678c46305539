import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { describe, expect, it } from 'vitest'
import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { translateCompletion } from './answer.ts'
import { ResponseEvents } from './events.ts'
import { translateItems } from './items.ts'
import type { ResponseObject, ResponseState } from './response.ts'
import { asResponseStream } from './stream.ts'

const chunk = (delta: object, finish: string | null = null) =>
  JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })
const called = (index: number, id: string | undefined, words: string) => ({
  tool_calls: [{ index, ...(id && { id }), function: { ...(id && { name: id }), arguments: words } }],
})

const begin = () => {
  let items = 0
  return new ResponseEvents({
    describe: (state: ResponseState) => ({ id: 'r', ...state }) as unknown as ResponseObject,
    nameItem: (prefix) => `${prefix}_${++items}`,
    now: () => 7,
  })
}
const read = (events: ResponseEvents, ...data: string[]) =>
  data
    .map((one) => events.take(one))
    .join('')
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice(event.indexOf('\ndata: ') + 7)) as Record<string, unknown>)

const blocks = [{ type: 'thinking', thinking: 'Well', signature: 's' }]

describe('the events of a response', () => {
  it('tell its items one after the other, each begun and ended', () => {
    const events = begin()
    const told = read(
      events,
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Well' }),
      chunk({ content: 'Yes' }),
      chunk(called(0, 'a', '{')),
      chunk(called(0, undefined, '}')),
      chunk({ thinking_blocks: blocks }, 'tool_calls'),
      '[DONE]',
    )
    expect(
      told.map(({ type, output_index: at }) => (at === undefined ? type : `${type as string} ${at as number}`)),
    ).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added 0',
      'response.reasoning_text.delta 0',
      'response.reasoning_text.done 0',
      'response.output_item.done 0',
      'response.output_item.added 1',
      'response.content_part.added 1',
      'response.output_text.delta 1',
      'response.output_text.done 1',
      'response.content_part.done 1',
      'response.output_item.done 1',
      'response.output_item.added 2',
      'response.function_call_arguments.delta 2',
      'response.function_call_arguments.delta 2',
      'response.function_call_arguments.done 2',
      'response.output_item.done 2',
      'response.completed',
    ])
    const { output } = events.whole() as unknown as ResponseState
    expect(output).toMatchObject([
      { type: 'reasoning', content: [{ text: 'Well' }] },
      { type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'Yes' }] },
      { type: 'function_call', call_id: 'a', name: 'a', arguments: '{}', status: 'completed' },
    ])
    // What was signed goes back to who signed it, with the turn that it belongs to.
    expect(translateItems(output)).toEqual([
      {
        role: 'assistant',
        content: 'Yes',
        thinking_blocks: blocks,
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'a', arguments: '{}' } }],
      },
    ])
    expect(events.take(chunk({ content: 'late' }))).toBe('')
  })

  it('of one that breaks off hold what had come', () => {
    const events = begin()
    read(events, chunk({ content: 'Y' }))
    const failed = events.fail({ code: 'upstream_truncated', message: 'cut' })
    expect(failed).toContain('"type":"response.failed"')
    expect(events.snapshot('failed')).toMatchObject({
      status: 'failed',
      output: [{ type: 'message', status: 'incomplete', content: [{ text: 'Y' }] }],
    })
    expect(events.whole()).toBeNull()
  })

  it('cannot be made of tool calls whose parts are mixed', () => {
    const events = begin()
    read(events, chunk(called(0, 'a', '{')), chunk(called(1, 'b', '{')))
    expect(() => events.take(chunk(called(0, undefined, '}')))).toThrow(/mixed/)
  })
})

describe('a stream of a response that is given up', () => {
  const given = (code: ErrorCode | null) => {
    const kept: ResponseObject[] = []
    let listener: StreamListener | undefined
    const source = {
      start: (one: StreamListener) => (listener = one),
      pause: () => {},
      resume: () => {},
      abort: () => {},
    } as unknown as StreamSource
    const stream = asResponseStream(
      source,
      begin(),
      (response) => Promise.resolve(kept.push(response)),
      () => code,
    )
    const told: string[] = []
    stream.start({ data: (bytes) => told.push(bytes.toString()), end: () => told.push('end'), fail: () => {} })
    listener?.data(Buffer.from(`data: ${chunk({ content: 'Y' })}\n\n`))
    stream.abort()
    listener?.data(Buffer.from('data: [DONE]\n\n'))
    expect(told.join('')).not.toMatch(/completed|end/)
    expect(kept).toHaveLength(1)
    return kept[0]
  }

  it('is kept as cancelled, with what had come', () => {
    expect(given(null)).toMatchObject({ status: 'cancelled', output: [{ content: [{ text: 'Y' }] }] })
  })

  it('is kept as failed where the house gave it up', () => {
    expect(given('server_draining')).toMatchObject({ status: 'failed', fault: { code: 'server_draining' } })
  })
})

describe('a whole response', () => {
  const told = (message: object, finish: string) =>
    translateCompletion(
      Buffer.from(JSON.stringify({ model: 'm', choices: [{ index: 0, message, finish_reason: finish }] })),
      (prefix) => prefix,
      7,
    )

  it('that a filter ended is incomplete, with the refusal as its part', () => {
    expect(told({ content: null, refusal: 'No.' }, 'content_filter')).toMatchObject({
      status: 'incomplete',
      incompleteReason: 'content_filter',
      output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }],
      usage: null,
    })
  })

  it('is none where the provider gave no completion', () => {
    expect(() => translateCompletion(Buffer.from('{}'), (prefix) => prefix, 7)).toThrow(/no chat completion/)
    expect(() => translateCompletion(Buffer.from('{'), (prefix) => prefix, 7)).toThrow(/no chat completion/)
  })
})
