import { expect, it } from 'vitest'
import { systemClock } from '../../../kernel/clock.ts'
import { drain, requestOf } from '../__fixtures__/setting.ts'
import { createDemoProvider } from './demo.ts'
import { exampleOf } from './schema-example.ts'

const provider = createDemoProvider({ name: 'demo', clock: systemClock })
const call = (body: Record<string, unknown>) => {
  const request = requestOf(JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }], ...body }))
  return provider.call({
    model: 'demo',
    request,
    requestId: 'req_demo',
    trace: [],
    signal: new AbortController().signal,
  })
}
const chat = async (body: Record<string, unknown>) => {
  const answer = await call(body)
  if (answer.kind !== 'json') throw new Error('expected JSON')
  return { choice: JSON.parse(answer.body.toString()).choices[0], usage: answer.usage }
}
const tool = (name: string) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { city: { type: 'string' } } } },
})
const tools = [tool('weather'), tool('time')]
const names = (choice: { message: { tool_calls?: { function: { name: string } }[] } }) =>
  choice.message.tool_calls?.map((entry) => entry.function.name)

it('calls the offered tools, all, one or none as asked', async () => {
  const { choice, usage } = await chat({ tools })
  expect(choice.finish_reason).toBe('tool_calls')
  expect(choice.message).toMatchObject({ role: 'assistant', content: null })
  expect(names(choice)).toEqual(['weather', 'time'])
  expect(JSON.parse(choice.message.tool_calls[0].function.arguments)).toEqual({ city: 'simulated city' })
  expect(choice.message.tool_calls[0].id).toMatch(/^call_[0-9A-Z]+_0_0$/)
  expect(choice.message.tool_calls[0].id).not.toBe(choice.message.tool_calls[1].id)
  expect(usage?.outputTokens).toBeGreaterThan(0)
  expect(names((await chat({ tools, parallel_tool_calls: false })).choice)).toEqual(['weather'])
  const chosen = { type: 'function', function: { name: 'time' } }
  expect(names((await chat({ tools, tool_choice: chosen })).choice)).toEqual(['time'])
  expect(names((await chat({ tools, tool_choice: 'none' })).choice)).toBeUndefined()
  expect((await chat({ tools, max_tokens: 1 })).choice.finish_reason).toBe('length')
})

it('answers with what the tools said', async () => {
  const { choice } = await chat({
    tools,
    messages: [
      { role: 'user', content: 'What now?' },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'tool', tool_call_id: 'a', content: '21 °C' },
      { role: 'tool', tool_call_id: 'b', content: '12:00' },
    ],
  })
  expect(choice.finish_reason).toBe('stop')
  expect(choice.message.content).toContain('You said: “What now?”. Tools answered: “21 °C”, “12:00”.')
})

it('streams tool calls in pieces that add up', async () => {
  const answer = await call({ tools, stream: true })
  if (answer.kind !== 'events') throw new Error('expected a stream')
  const events = (await drain(answer.source)).split('\n\n').slice(0, -2)
  const choices = events.map((event) => JSON.parse(event.slice('data: '.length)).choices[0])
  const joined = ['', '']
  for (const choice of choices) {
    for (const piece of choice?.delta.tool_calls ?? []) joined[piece.index] += piece.function.arguments
  }
  expect(joined.map((text) => JSON.parse(text))).toEqual([{ city: 'simulated city' }, { city: 'simulated city' }])
  expect(choices[0].delta).toMatchObject({ role: 'assistant', tool_calls: [{ index: 0, type: 'function' }] })
  expect(choices.findLast((choice) => choice !== undefined).finish_reason).toBe('tool_calls')
})

it('fills in a JSON schema, and tells pictures', async () => {
  const schema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 3 } } }
  const { choice } = await chat({ response_format: { type: 'json_schema', json_schema: { name: 'person', schema } } })
  expect(JSON.parse(choice.message.content)).toEqual({ name: 'simulated name', age: 3 })
  const object = await chat({ response_format: { type: 'json_object' } })
  expect(JSON.parse(object.choice.message.content)).toMatchObject({ simulated: true })
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
  const content = [{ type: 'text', text: 'What is it?' }, image]
  expect((await chat({ messages: [{ role: 'user', content }] })).choice.message.content).toContain(
    'You said: “What is it?”. With it came an image.',
  )
})

it.each([
  [{ const: 7 }, 7],
  [{ enum: ['b', 'a'] }, 'b'],
  [{ type: ['null', 'boolean'] }, true],
  [{ anyOf: [{ type: 'number' }, { type: 'string' }] }, 0],
  [{ type: 'array', items: { type: 'string', maxLength: 9 }, minItems: 2 }, ['simulated', 'simulated']],
  [{ $defs: { word: { type: 'string' } }, $ref: '#/$defs/word' }, 'simulated text'],
  [true, null],
])('finds a value that %j allows', (schema, value) => expect(exampleOf(schema)).toEqual(value))

it('ends on a schema that refers to itself, wide and deep', () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`p${index}`, { $ref: '#' }]))
  expect(JSON.stringify(exampleOf({ type: 'object', properties: many })).length).toBeLessThan(100_000)
  const nested = { type: 'array', minItems: 100, items: { $ref: '#' } }
  expect(JSON.stringify(exampleOf(nested)).length).toBeLessThan(100_000)
})
