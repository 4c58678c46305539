import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outlineJson } from '../../../kernel/json.ts'
import { ask, drain, faultOf, openaiAt, providersOf, requestOf } from '../__fixtures__/setting.ts'
import type { Providers } from '../providers.ts'
import { withMember } from '../../../domain/request-member.ts'
import { adapterFor, withoutSafe } from './dialect.ts'

describe('one member of a request', () => {
  it.each([
    ['{"a":1,"x":2,"b":3}', null, '{"a":1,"b":3}'],
    ['{ "x" : {"y":[1,2]} , "model":"m" }', null, '{ "model":"m" }'],
    ['{"a":1.50 , "x":"é,}" }', null, '{"a":1.50 }'],
    ['{"x":1}', null, '{}'],
    ['{"a":"é" ,"\\u0078" : 12345678901234567890 }', 'z', '{"a":"é","z":12345678901234567890 }'],
    ['{"x":1,"model":"m"}', 'longer', '{"longer":1,"model":"m"}'],
    ['{"model":"m"}', 'z', '{"model":"m"}'],
  ])('of %s becomes %s', (text, newName, expected) => {
    const { body, members } = withMember(requestOf(text), 'x', newName)
    expect(body.toString()).toBe(expected)
    expect(members).toEqual(outlineJson(body).members)
  })
})

describe('the words of Mistral', () => {
  let upstream: Upstream
  let providers: Providers
  beforeAll(async () => {
    upstream = await startUpstream()
    providers = providersOf(openaiAt(upstream.url, { dialect: 'mistral' }))
  })
  afterAll(async () => {
    await providers.close()
    await upstream.close()
  })
  const sent = (id: string): Record<string, unknown> =>
    JSON.parse(upstream.requests().find(({ headers }) => headers['x-request-id'] === id)?.body ?? '')

  it('are known by the address', () => {
    expect(adapterFor('api.mistral.ai', undefined)).not.toBeNull()
    expect(adapterFor('api.mistral.ai.elsewhere.test', undefined)).toBeNull()
    expect(adapterFor('api.openai.com', undefined)).toBeNull()
  })

  it('have the cap and the seed under their names, and no usage asked for', async () => {
    const more = {
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 9,
      max_completion_tokens: 7,
      seed: 5,
    }
    const answer = await ask(providers, 'up/gpt-4o;parts=2', more, undefined, 'req_words')
    if (answer.kind !== 'events') throw new Error('expected a stream')
    await drain(answer.source)
    const { messages, ...rest } = sent('req_words')
    expect(messages).toHaveLength(1)
    expect(rest).toEqual({ model: 'gpt-4o;parts=2', stream: true, max_tokens: 7, random_seed: 5 })
    expect(answer.warning).toBeUndefined()
  })

  it('are not added to by a stream that asks for nothing', async () => {
    const answer = await ask(providers, 'up/gpt-4o;parts=2', { stream: true }, undefined, 'req_plain')
    if (answer.kind !== 'events') throw new Error('expected a stream')
    await drain(answer.source)
    expect(sent('req_plain')).not.toHaveProperty('stream_options')
  })

  it('lack what is told as a warning, or refused where the caller is strict', async () => {
    const answer = await ask(providers, 'up/gpt-4o', { store: true }, undefined, 'req_lost')
    expect(answer.warning).toBe('not carried over: store')
    expect(sent('req_lost')).not.toHaveProperty('store')
    const fault = await faultOf(ask(providers, 'up/gpt-4o', { store: true, strict: true }, undefined, 'req_strict'))
    expect(fault.code).toBe('unsupported_parameter')
    expect(upstream.requests().some(({ headers }) => headers['x-request-id'] === 'req_strict')).toBe(false)
  })
})

it('OpenAI and Azure get no `safe`, of which others that draw have one', () => {
  const read = (text: string) => ({ ...requestOf(text), operation: 'images' as const })
  const asked = read('{"model":"dall-e-3", "safe": true, "prompt":"A door"}')
  expect(withoutSafe(asked).body.toString()).toBe('{"model":"dall-e-3", "prompt":"A door"}')
  const other = read('{"model":"dall-e-3", "prompt":"A door"}')
  expect(withoutSafe(other)).toBe(other)
})
