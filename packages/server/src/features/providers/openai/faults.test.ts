import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, faultOf, openaiAt, providerKey, providersOf } from '../__fixtures__/setting.ts'
import type { Providers } from '../providers.ts'
import { sanitise } from './faults.ts'

let upstream: Upstream
let providers: Providers
beforeAll(async () => {
  upstream = await startUpstream()
  providers = providersOf(openaiAt(upstream.url), { random: () => 0 })
})
afterAll(async () => {
  await providers.close()
  await upstream.close()
})

const errorBody = (error: Record<string, unknown>): string => `;body=${encodeURIComponent(JSON.stringify({ error }))}`
const scripted = (script: string) => faultOf(ask(providers, `up/gpt-4o;${script}`))

describe('what a status of the provider becomes', () => {
  it.each([
    ['status=400', 'upstream_invalid_request'],
    [`status=400${errorBody({ code: 'context_length_exceeded', message: 'too long' })}`, 'context_length_exceeded'],
    [
      `status=400${errorBody({ message: "This model's maximum context length is 8192 tokens." })}`,
      'context_length_exceeded',
    ],
    [`status=400${errorBody({ code: 'content_policy_violation', message: 'no' })}`, 'upstream_content_refused'],
    [`status=400${errorBody({ code: 'content_filter', message: 'no' })}`, 'upstream_content_refused'],
    ['status=401', 'provider_auth_failed'],
    ['status=402', 'provider_quota_exhausted'],
    ['status=403', 'provider_auth_failed'],
    ['status=404', 'model_not_found'],
    [`status=404${errorBody({ message: 'Not Found' })}`, 'upstream_invalid_request'],
    ['status=408', 'upstream_timeout'],
    ['status=413', 'upstream_invalid_request'],
    ['status=422', 'upstream_invalid_request'],
    ['status=429', 'upstream_rate_limited'],
    [
      `status=429${errorBody({ code: 'insufficient_quota', message: 'You exceeded your current quota.' })}`,
      'provider_quota_exhausted',
    ],
    ['status=500', 'upstream_error'],
    ['status=502', 'upstream_error'],
    ['status=503', 'upstream_overloaded'],
    ['status=504', 'upstream_timeout'],
    ['status=529', 'upstream_overloaded'],
    ['status=301', 'upstream_malformed'],
    ['status=500;body=%3Chtml%3E;body-type=text/html', 'upstream_error'],
  ])('%s → %s', async (script, code) => {
    const fault = await scripted(script)
    expect(fault.code).toBe(code)
    const [attempt] = providers.attemptsOf(fault)
    expect(attempt).toMatchObject({ status: Number(/\d+/.exec(script)?.[0]), fault: code })
  })

  it('reads an error object that comes with status 200, whole or as the first event', async () => {
    const body = (error: unknown) => `status=200${errorBody(error as never)}`
    expect((await scripted(body({ message: 'slow down', code: 'rate_limit_exceeded' }))).code).toBe(
      'upstream_rate_limited',
    )
    expect((await scripted(body({ message: 'broke', code: 402 }))).code).toBe('provider_quota_exhausted')
    expect((await scripted(body({ message: 'odd' }))).code).toBe('upstream_error')
    const events = (text: string) => `status=200;body-type=text/event-stream;body=${encodeURIComponent(text)}`
    const stream = (text: string) => faultOf(ask(providers, `up/gpt-4o;${events(text)}`, { stream: true }))
    const overloaded = JSON.stringify({ error: { message: 'busy', type: 'overloaded_error' } })
    expect((await stream(`: ping\n\nevent: error\ndata: ${overloaded}\n\n`)).code).toBe('upstream_overloaded')
    expect((await stream('data: {"error":{"message":"x","code":"insufficient_quota"}}\n\n')).code).toBe(
      'provider_quota_exhausted',
    )
  })

  it('repeats the words of the provider where the caller can act on them', async () => {
    const fault = await scripted(`status=400${errorBody({ message: "Unknown parameter: 'foo'." })}`)
    expect(fault.options['detail']).toBe("The provider says: Unknown parameter: 'foo'.")
  })

  it('never shows the key of the provider, in any fault', async () => {
    for (const status of [400, 401, 429, 500]) {
      const fault = await scripted(
        `status=${status}${errorBody({ message: `Incorrect API key provided: ${providerKey}.` })}`,
      )
      expect(JSON.stringify({ ...fault.options, cause: undefined })).not.toContain('canary')
      expect(fault.message).not.toContain('canary')
    }
  })
})

describe('words of a provider', () => {
  it.each([
    ['key sk-proj-abcdefghijklmnop failed', 'key *** failed'],
    ['Bearer abc.def.ghi is wrong', 'Bearer *** is wrong'],
    ['see http://10.0.0.7:8080/x?y=1 now', 'see [address] now'],
    ['cannot reach 10.1.2.3:443', 'cannot reach [address]'],
    ['cannot reach fe80::1:2:3:4', 'cannot reach [address]'],
    ['host engine.internal:9000 is down', 'host [host] is down'],
    ['a\u0000b\r\nc', 'a b c'],
    ['the value 0.5 of temperature', 'the value 0.5 of temperature'],
    ['model gpt-4o-mini-2024-07-18', 'model gpt-4o-mini-2024-07-18'],
    ['AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH1234', '***'],
  ])('%j → %j', (words, expected) => {
    expect(sanitise(words, [])).toBe(expected)
  })

  it('are cut to 500 characters', () => {
    expect(sanitise('word '.repeat(1_000), []).length).toBeLessThanOrEqual(500)
    expect(sanitise(`x${'secret-value'.repeat(3)}y`, ['secret-value'])).toBe('x*********y')
  })
})
