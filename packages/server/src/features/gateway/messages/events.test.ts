import { describe, expect, it } from 'vitest'
import { translateCompletion } from './answer.ts'
import { MessageEvents } from './events.ts'

const chunk = (delta: object, finish: string | null = null, more: object = {}) =>
  JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more })
const called = (index: number, id: string | undefined, words: string) => ({
  tool_calls: [{ index, ...(id && { id }), function: { ...(id && { name: id }), arguments: words } }],
})

const read = (events: MessageEvents, ...data: string[]) =>
  data
    .map((one) => events.take(one))
    .join('')
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice(event.indexOf('\ndata: ') + 7)) as Record<string, unknown>)

const shape = (events: readonly Record<string, unknown>[]) =>
  events.map(({ type, index, delta, content_block: block }) =>
    [type, index, (delta as { type?: string })?.type ?? (block as { type?: string })?.type]
      .filter((one) => typeof one === 'string' || typeof one === 'number')
      .join(' '),
  )

describe('the events of a message', () => {
  it('are blocks one after the other: thinking, text, tools', () => {
    const events = read(
      new MessageEvents(),
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Well' }),
      chunk({ reasoning: ', so' }),
      chunk({ content: 'Yes' }),
      chunk(called(0, 'a', '')),
      chunk(called(0, undefined, '{}')),
      chunk(called(1, 'b', '{}')),
      chunk({}, 'tool_calls'),
      JSON.stringify({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } }),
      '[DONE]',
    )
    expect(shape(events)).toEqual([
      'message_start',
      'content_block_start 0 thinking',
      'content_block_delta 0 thinking_delta',
      'content_block_delta 0 thinking_delta',
      'content_block_stop 0',
      'content_block_start 1 text',
      'content_block_delta 1 text_delta',
      'content_block_stop 1',
      'content_block_start 2 tool_use',
      'content_block_delta 2 input_json_delta',
      'content_block_stop 2',
      'content_block_start 3 tool_use',
      'content_block_delta 3 input_json_delta',
      'content_block_stop 3',
      'message_delta',
      'message_stop',
    ])
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 5, output_tokens: 2 },
    })
  })

  it('tell of the first choice only, and nothing after the end', () => {
    const events = new MessageEvents()
    const other = JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 1, delta: { content: 'other' } }] })
    expect(shape(read(events, chunk({ content: 'one' }), other, '[DONE]'))).toHaveLength(6)
    expect(events.take(chunk({ content: 'late' }))).toBe('')
  })

  it('cannot be made of tool calls whose parts are mixed', () => {
    const events = new MessageEvents()
    read(events, chunk(called(0, 'a', '{')), chunk(called(1, 'b', '{')))
    expect(() => events.take(chunk(called(0, undefined, '}')))).toThrow(/mixed/)
  })
})

describe('a whole message', () => {
  const told = (message: object, finish = 'stop') => {
    const completion = { id: 'c', model: 'm', choices: [{ index: 0, message, finish_reason: finish }] }
    return JSON.parse(translateCompletion(Buffer.from(JSON.stringify(completion))).toString()) as {
      content: unknown
      stop_reason: unknown
    }
  }

  it('has thinking without a signature, and a refusal as text', () => {
    expect(told({ reasoning_content: 'Well.', content: null, refusal: 'No.' }, 'content_filter')).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'Well.', signature: '' },
        { type: 'text', text: 'No.' },
      ],
      stop_reason: 'refusal',
    })
  })

  it('is refused where the arguments of a tool are no JSON, or it is no completion', () => {
    expect(() => told({ tool_calls: [{ id: 'a', function: { name: 'a', arguments: '{' } }] })).toThrow(/no JSON/)
    expect(() => translateCompletion(Buffer.from('{}'))).toThrow(/no chat completion/)
  })
})
