import { describe, expect, it } from 'vitest'
import { uncountedOutput } from './answer-text.ts'

const outputOf = (answer: unknown) => uncountedOutput('chat', Buffer.from(JSON.stringify(answer)))
const said = (...messages: unknown[]) => outputOf({ choices: messages.map((message) => ({ message })) })

describe('the output of an answer that nobody counted', () => {
  it.each([
    {},
    { choices: null },
    { choices: 'none' },
    { choices: { message: { content: 'x' } } },
    { choices: [null, 7, 'x', [], {}] },
    { choices: [{ message: null }] },
    { choices: [{ message: 'x' }] },
    { choices: [{ message: { content: null, tool_calls: null, refusal: 7, reasoning: {} } }] },
    { choices: [{ message: { content: [null, 7, { text: 3 }, { type: 'image' }] } }] },
  ])('is nothing: %j', (answer) => {
    expect(outputOf(answer)).toBe('')
  })

  it('is all that was said', () => {
    expect(said({ content: 'one' }, { content: 'two', reasoning_content: 'why' })).toBe('one\nwhy\ntwo')
    expect(said({ content: null, refusal: 'I will not.' })).toBe('I will not.')
    const parts = [{ type: 'text', text: 'a' }, { type: 'refusal', refusal: 'b' }, 'c']
    expect(said({ content: parts, reasoning: 'r' })).toBe('r\na\nb\nc')
    const calls = [{ function: { name: 'weather', arguments: '{"town":"Ulm"}' } }]
    expect(said({ content: '', tool_calls: calls })).toBe(JSON.stringify(calls))
    expect(said({ function_call: { name: 'f', arguments: '{}' } })).toBe('{"name":"f","arguments":"{}"}')
    expect(outputOf({ choices: [{ text: 'a completion' }] })).toBe('a completion')
  })

  it('is estimated by size when it is large, unparsed', () => {
    const body = Buffer.alloc(2_000_001, 'x')
    expect(uncountedOutput('chat', body)).toBe(500_001)
    expect(uncountedOutput('embeddings', body)).toBe(0)
  })
})
