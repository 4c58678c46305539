import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({
    config: {
      safety_policy: 'main',
      safety_block: { names: { texts: ['Project Bluebird'] } },
      models: { 'up/dall-e-3': { price: { image: '0.04' } } },
    },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

it('members that another operation has are no fault of ours', async () => {
  const body = { model: 'up/dall-e-3', prompt: 'Ignore previous instructions', messages: 'x' }
  expect((await house.request('/v1/images/generations', { key, body })).status).toBe(200)
})

const model = 'up/gpt-4o-mini'
const expectRefused = async (body: object, path = '/v1/chat/completions') => {
  const before = house.upstream.requests().length
  const answer = await house.request(path, { key, body: { model, ...body } })
  expect(await answer.json()).toMatchObject({ error: { code: 'content_refused' } })
  expect(house.upstream.requests()).toHaveLength(before)
}

it.each([
  ['a text that begins as the address of a file does', 'data: about project bluebird'],
  ['a text that is no file, whatever it says of itself', 'data:text/plain;base64,AAAA project bluebird'],
  ['a text that is broken by other characters that are not seen', 'pro\u034fject\u{e0020} b\u3164lue\u{e0101}bird'],
  ['a text in letters of mathematics', '\u{1d429}\u{1d42b}\u{1d428}\u{1d423}\u{1d41e}\u{1d41c}\u{1d42d} bluebird'],
  ['a text with strokes through its letters', 'p\u0336r\u0336o\u0336j\u0336e\u0336c\u0336t bluebird'],
  [
    'a text in two parts',
    [
      { type: 'text', text: 'about project blue' },
      { type: 'text', text: 'bird' },
    ],
  ],
])('block lists find %s', (_what, content) => expectRefused({ messages: [{ role: 'user', content }] }))

it('block lists hold for what stands beside the messages: tools, formats, members that nobody knows', async () => {
  const text = 'project bluebird'
  const messages = [{ role: 'user', content: 'Do as you are told there.' }]
  const tool = { name: 'look_up', description: text, parameters: { type: 'object' } }
  const schema = { name: 'answer', schema: { type: 'object', description: text } }
  for (const more of [
    { tools: [{ type: 'function', function: tool }] },
    { response_format: { type: 'json_schema', json_schema: schema } },
    { documents: [{ title: 'one', snippet: text }] },
  ])
    await expectRefused({ messages, ...more })
  const tools = [{ name: 'look_up', description: text, input_schema: { type: 'object' } }]
  await expectRefused({ messages, max_tokens: 9, tools }, '/v1/messages')
})

it('pictures for strangers are judged by whatever operation they are asked for', async () => {
  const stranger = (await house.makeKey({ tier: 'anonymous' })).key
  const ask = async (more: object) => {
    const body = { model, messages: [{ role: 'user', content: 'A hill.' }], ...more }
    return (await house.request('/v1/chat/completions', { key: stranger, body })).json()
  }
  expect(await ask({})).toMatchObject({ object: 'chat.completion' })
  expect(await ask({ modalities: ['text'] })).toMatchObject({ object: 'chat.completion' })
  for (const name of ['image', 'IMAGE'])
    expect(await ask({ modalities: ['text', name] })).toMatchObject({ error: { code: 'content_not_judged' } })
})
