import { expect, it } from 'vitest'
import { createCompletionEvents, translateCompletion } from './answer.ts'

const plain = { prompt: 'So', echo: false, hasLogprobs: false }
const frame = { id: 'c', object: 'chat.completion', created: 1, model: 'm' }
/** Of the shape of SDK type `ChatCompletionTokenLogprob`. */
const token = (text: string, logprob: number) => ({
  token: text,
  logprob,
  bytes: null,
  top_logprobs: [
    { token: text, logprob, bytes: null },
    { token: '?', logprob: -9, bytes: null },
  ],
})
const whole = (choice: object) => Buffer.from(JSON.stringify({ ...frame, choices: [choice] }))
const chunk = (choice: object) => JSON.stringify({ ...frame, choices: [choice] })
const read = (event: string) => JSON.parse(event.slice('data: '.length)) as { choices: object[] }

it('tells of tokens as completions do, whole and streamed', () => {
  const setting = { ...plain, hasLogprobs: true }
  const content = [token('Yes', -0.5), token('!', -1)]
  const answer = { index: 0, message: { content: 'Yes!' }, logprobs: { content }, finish_reason: 'stop' }
  const logprobs = {
    tokens: ['Yes', '!'],
    token_logprobs: [-0.5, -1],
    top_logprobs: [
      { Yes: -0.5, '?': -9 },
      { '!': -1, '?': -9 },
    ],
    text_offset: [0, 3],
  }
  expect(translateCompletion(whole(answer), setting)).toMatchObject({ choices: [{ text: 'Yes!', logprobs }] })
  const take = createCompletionEvents(setting)
  take(chunk({ index: 0, delta: { content: 'Yes' }, logprobs: { content: [content[0]] } }))
  const second = take(chunk({ index: 0, delta: { content: '!' }, logprobs: { content: [content[1]] } }))
  expect(read(second).choices).toMatchObject([{ text: '!', logprobs: { tokens: ['!'], text_offset: [3] } }])
})

it('tells what a model refused with as text, and no reason that completions do not have', () => {
  const refused = { index: 0, message: { content: null, refusal: 'No.' }, finish_reason: 'tool_calls' }
  expect(translateCompletion(whole(refused), plain)['choices']).toEqual([
    { text: 'No.', index: 0, logprobs: null, finish_reason: 'stop' },
  ])
})

it('echoes the prompt once in each choice of a stream, and passes over what says nothing', () => {
  const take = createCompletionEvents({ ...plain, echo: true })
  const texts = [0, 1, 0].map((index) => read(take(chunk({ index, delta: { content: 'a' } }))).choices)
  expect(texts.flat()).toMatchObject([{ text: 'Soa' }, { text: 'Soa' }, { text: 'a' }])
  const silent = createCompletionEvents(plain)
  expect(silent(chunk({ index: 0, delta: { role: 'assistant', content: '' } }))).toBe('')
  expect(silent('[DONE]')).toBe('data: [DONE]\n\n')
})

it.each(['[]', '{}', 'null'])('refuses what is no answer of chat: %s', (text) => {
  const malformed = expect.objectContaining({ code: 'upstream_malformed' })
  expect(() => translateCompletion(Buffer.from(text), plain)).toThrow(malformed)
  expect(() => createCompletionEvents(plain)(text)).toThrow(malformed)
})
