import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Log, silentLog } from '../../kernel/log.ts'
import { ask, faultOf, providersOf, secret } from './__fixtures__/setting.ts'
import type { Providers } from './providers.ts'

/** What the server says to each key; 200 where nothing is said. */
const says = new Map<string, { status: number; retryAfter?: string; message?: string }>()
/** The keys that were used, in turn. */
const used: string[] = []
const answer = {
  object: 'chat.completion',
  choices: [{ message: { content: 'Hi' } }],
  usage: { prompt_tokens: 1, completion_tokens: 1 },
}
const server = createServer((request, response) => {
  const key = (request.headers.authorization ?? '').replace('Bearer ', '')
  used.push(key)
  request.resume().on('end', () => {
    const { status, retryAfter, message = 'No.' } = says.get(key) ?? { status: 200 }
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    })
    response.end(JSON.stringify(status === 200 ? answer : { error: { message } }))
  })
})

const errors: { provider?: string | undefined; reason?: string | undefined; code?: unknown }[] = []
const log: Log = { ...silentLog, error: ({ provider, reason, code }) => errors.push({ provider, reason, code }) }

describe('several keys of a provider', () => {
  let providers: Providers
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(async () => {
    says.clear()
    used.length = 0
    errors.length = 0
    await providers?.close()
    providers = providersOf(
      {
        up: {
          kind: 'openai',
          baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
          apiKey: secret('one'),
          moreKeys: [secret('two'), secret('three')],
        },
      },
      { log },
    )
  })
  afterAll(async () => {
    await providers.close()
    server.close()
  })
  const states = () => providers.keysOf('up').map(({ state }) => state)

  it('stay with one, go on to the next within the try when it is asked for too much, and stay there', async () => {
    await ask(providers, 'up/m')
    await ask(providers, 'up/m')
    says.set('one', { status: 429, retryAfter: '60' })
    const { attempts } = await ask(providers, 'up/m')
    expect(attempts).toMatchObject([{ status: 200, fault: null }])
    await ask(providers, 'up/m')
    expect(used).toEqual(['one', 'one', 'one', 'two', 'two'])
    expect(states()).toEqual(['resting', 'ready', 'ready'])
    const until = providers.keysOf('up')[0]?.until ?? 0
    expect(until).toBeGreaterThan(Date.now() + 30_000)
    expect(errors).toEqual([])
  })

  it('refused, are told of once in the log, and left aside', async () => {
    says.set('one', { status: 401 })
    says.set('two', { status: 403 })
    await ask(providers, 'up/m')
    await ask(providers, 'up/m')
    expect(used).toEqual(['one', 'two', 'three', 'three'])
    expect(states()).toEqual(['refused', 'refused', 'ready'])
    expect(errors).toEqual([
      { provider: 'up', reason: 'key 1 of 3', code: 'provider_auth_failed' },
      { provider: 'up', reason: 'key 2 of 3', code: 'provider_auth_failed' },
    ])
  })

  it('without money are left aside as well', async () => {
    says.set('one', { status: 429, message: 'You exceeded your current quota' })
    await ask(providers, 'up/m')
    expect(states()).toEqual(['refused', 'ready', 'ready'])
    expect(errors).toMatchObject([{ code: 'provider_quota_exhausted' }])
  })

  it('all of them resting are a rate limit with the shortest wait, and the first to be ready is asked', async () => {
    for (const [key, retryAfter] of [
      ['one', '50'],
      ['two', '20'],
      ['three', '40'],
    ] as const)
      says.set(key, { status: 429, retryAfter })
    const fault = await faultOf(ask(providers, 'up/m'))
    expect(fault.code).toBe('upstream_rate_limited')
    expect(fault.options['retryAfterMs']).toBeGreaterThan(10_000)
    expect(fault.options['retryAfterMs']).toBeLessThanOrEqual(20_000)
    expect(used).toEqual(['one', 'two', 'three'])
    says.clear()
    await ask(providers, 'up/m')
    expect(used.at(-1)).toBe('two')
    expect(states()).toEqual(['resting', 'ready', 'resting'])
  })

  it('are not changed by a fault that is not theirs', async () => {
    says.set('one', { status: 400 })
    expect((await faultOf(ask(providers, 'up/m'))).code).toBe('upstream_invalid_request')
    expect(used).toEqual(['one'])
    expect(states()).toEqual(['ready', 'ready', 'ready'])
  })

  it('are all kept out of what is told', async () => {
    expect(providers.secretsOf('up')).toEqual(['one', 'two', 'three'])
  })
})
