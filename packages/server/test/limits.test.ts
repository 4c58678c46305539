import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, prices, startHouse } from './support/house.ts'

let house: House
const priced = { price: prices, max_output_tokens: 100 }
beforeAll(async () => {
  house = await startHouse({
    config: {
      trusted_proxies: '127.0.0.1',
      models: { 'up/long': { ...priced, context_tokens: 100_000 }, 'up/nameless': priced },
      tiers: {
        small: {
          requests: { rate_per_minute: 600, burst: 100 },
          tokens_per_minute: 200,
          concurrent: 3,
          usd_per_day: '0.5',
        },
      },
      limits_policies: {
        shade: { unit: 'requests', limit: 1, per: ['user'], match: { users: ['ghost'] }, mode: 'shadow' },
        scarce: { unit: 'requests', limit: 2, window_seconds: 3600, per: ['country'], match: { countries: ['AU'] } },
      },
    },
  })
})
afterAll(() => house.stop())

const ask = (
  key: string,
  more: { model?: string; from?: string; user?: string; max?: number; stream?: boolean } = {},
) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(more.from && { 'x-forwarded-for': more.from }),
      ...(more.user && { 'x-headgate-user': more.user }),
    },
    body: JSON.stringify({
      model: more.model ?? 'up/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Say something.' }],
      ...(more.max && { max_tokens: more.max }),
      ...(more.stream && { stream: true }),
    }),
  })

const put = async (path: string, body: unknown) => {
  const answer = await house.request(path, { method: 'PUT', body })
  expect([answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([200, ''])
}
const code = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code

describe('limits as data', () => {
  it('holds a limit of tokens, which takes an estimate and settles with what was used', async () => {
    const { id, key } = await house.makeKey()
    await put('/admin/v1/limits/policies/tokens', {
      unit: 'tokens',
      limit: 1000,
      window_seconds: 3600,
      algorithm: 'sliding_window',
      per: ['key'],
      match: { keys: [id] },
    })
    const first = await ask(key, { max: 900 })
    expect(first.status).toBe(200)
    expect(Number(first.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(100)
    const { usage } = (await first.json()) as { usage: { total_tokens: number } }
    const second = await ask(key, { max: 500 })
    expect(second.status).toBe(200)
    await second.arrayBuffer()
    const explained = (await (
      await house.request('/admin/v1/limits/explain', { body: { key_id: id, model: 'up/gpt-4o-mini' } })
    ).json()) as { rules: { name: string; remaining: number }[] }
    const rule = explained.rules.find(({ name }) => name === 'tokens')
    expect(rule?.remaining).toBe(1000 - 2 * usage.total_tokens)
    const tooLarge = await ask(key, { max: 5000 })
    expect([tooLarge.status, await code(tooLarge)]).toEqual([429, 'request_exceeds_limit'])
    expect(tooLarge.headers.get('x-should-retry')).toBe('false')
    const other = await house.makeKey()
    expect((await ask(other.key, { max: 5000 })).headers.get('x-ratelimit-limit-tokens')).toBeNull()
  })

  it('counts calls under way, and frees the place when the caller leaves', async () => {
    const { id, key } = await house.makeKey()
    await put('/admin/v1/limits/policies/at-once', {
      unit: 'concurrent',
      limit: 1,
      per: ['key'],
      match: { keys: [id] },
    })
    const leave = new AbortController()
    const open = await fetch(`${house.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leave.signal,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'up/gpt-4o-mini;parts=400;part-delay=50',
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
      }),
    })
    expect(open.status).toBe(200)
    expect(open.headers.get('ratelimit')).toContain('"at-once";r=0')
    const refused = await ask(key)
    expect(refused.status).toBe(429)
    expect(((await refused.json()) as Record<string, unknown>)['violated-policies']).toEqual(['at-once'])
    leave.abort()
    await expect.poll(async () => (await ask(key)).status, { timeout: 10_000 }).toBe(200)
  })

  it('bounds money per window, by what calls really cost', async () => {
    const { id, key } = await house.makeKey()
    await put('/admin/v1/limits/policies/money', {
      unit: 'usd',
      limit_usd: '0.01',
      window_seconds: 3600,
      algorithm: 'sliding_window',
      per: ['key'],
      match: { keys: [id] },
    })
    expect((await ask(key, { max: 4000 })).status).toBe(200)
    // The worst case of two would not fit; what the first really cost leaves room.
    expect((await ask(key, { max: 4000 })).status).toBe(200)
    const unpriced = await ask(key, { model: 'up/unpriced-model' })
    expect([unpriced.status, await code(unpriced)]).toEqual([422, 'price_unknown'])
  })

  it('takes a file for as much as the context of its model holds, since its size bounds nothing', async () => {
    const { key: poor } = await house.makeKey({ budget: { limit_usd: '0.05', window: 'total' } })
    const { key: rich } = await house.makeKey({ budget: { limit_usd: '0.15', window: 'total' } })
    const file = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0xLjQK' } }
    const send = async (key: string, model: string, content: unknown) => {
      const body = { model, max_tokens: 5, messages: [{ role: 'user', content }] }
      const answer = await house.request('/v1/chat/completions', { key, body })
      return answer.status === 200 ? 'ok' : code(answer)
    }
    const asked = () => house.upstream.requests().filter(({ method }) => method === 'POST').length
    const before = asked()
    expect(await send(poor, 'up/long', [file])).toBe('budget_exceeded') // 100,000 tokens at a dollar per million
    expect(await send(poor, 'up/nameless', [{ type: 'text', text: 'Read this.' }, file])).toBe('input_unbounded')
    expect(asked()).toBe(before)
    expect(await send(poor, 'up/long', 'Read this.')).toBe('ok')
    expect(await send(rich, 'up/long', [file])).toBe('ok')
  })

  it('takes tokens, calls under way and money from the tier of a key', async () => {
    const { id, key } = await house.makeKey({ tier: 'small' })
    const answer = await ask(key, { max: 100 })
    expect(answer.headers.get('x-ratelimit-limit-tokens')).toBe('200')
    expect(answer.headers.get('ratelimit')).toContain('"tier-small-concurrent";r=2')
    expect(await code(await ask(key, { max: 1000 }))).toBe('request_exceeds_limit')
    const explained = await house.request('/admin/v1/limits/explain', { body: { key_id: id, model: 'up/gpt-4o-mini' } })
    const { rules } = (await explained.json()) as { rules: { name: string }[] }
    expect(rules.map(({ name }) => name)).toEqual([
      'key',
      'tier-small-tokens',
      'tier-small-concurrent',
      'tier-small-usd',
    ])
    expect((await house.request('/admin/v1/limits/policies/tier-small-usd', { method: 'DELETE' })).status).toBe(400)
  })

  it('counts a shadow in the metrics and refuses nobody', async () => {
    const { key } = await house.makeKey()
    for (let call = 0; call < 3; call++) expect((await ask(key, { user: 'ghost' })).status).toBe(200)
    const metrics = await (await house.request('/metrics')).text()
    expect(metrics).toContain('headgate_limit_shadow_refusals_total{policy="shade"} 2')
  })

  it('counts by country, which the shipped table knows', async () => {
    const { key } = await house.makeKey()
    const from = '1.1.1.1'
    expect((await ask(key, { from })).status).toBe(200)
    expect((await ask(key, { from })).status).toBe(200)
    const refused = await ask(key, { from })
    expect(((await refused.json()) as Record<string, unknown>)['violated-policies']).toEqual(['scarce'])
    expect((await ask(key)).status).toBe(200)
  })

  it('names every fault of a policy, keeps those of the configuration, and audits changes', async () => {
    const wrong = await house.request('/admin/v1/limits/policies/wrong', {
      method: 'PUT',
      body: { unit: 'concurrent', limit_usd: '1', window_seconds: 5 },
    })
    expect(wrong.status).toBe(400)
    const { error } = (await wrong.json()) as { error: { details: { location: string }[] } }
    expect(error.details.map(({ location }) => location)).toEqual(['limit', 'limit_usd', 'window_seconds'])
    const body = { unit: 'requests', limit: 5 }
    for (const name of ['', 'Bad%20Name', '-a', 'a'.repeat(65)]) {
      const misnamed = await house.request(`/admin/v1/limits/policies/${name}`, { method: 'PUT', body })
      expect([misnamed.status, ((await misnamed.json()) as { error: { param: string } }).error.param]).toEqual([
        400,
        'name',
      ])
    }
    const fixed = await house.request('/admin/v1/limits/policies/shade', { method: 'DELETE' })
    expect(fixed.status).toBe(400)
    await put('/admin/v1/limits/policies/gone', { unit: 'requests', limit: 5 })
    expect((await house.request('/admin/v1/limits/policies/gone', { method: 'DELETE' })).status).toBe(200)
    expect((await house.request('/admin/v1/limits/policies/gone', { method: 'DELETE' })).status).toBe(404)
    const audit = (await (await house.request('/admin/v1/audit?limit=2')).json()) as { data: { action: string }[] }
    expect(audit.data.map(({ action }) => action)).toEqual(['limit_policy.deleted', 'limit_policy.created'])
  })
})

describe('who may call at all', () => {
  const access = (more: object) =>
    put('/admin/v1/limits/access', {
      default: 'allow',
      allow: [],
      deny: [],
      allow_countries: [],
      deny_countries: [],
      ...more,
    })

  it('is decided by the longest range, then the country, then the default', async () => {
    const { id, key } = await house.makeKey()
    const codeFrom = async (from: string) => {
      const answer = await ask(key, { from })
      return answer.status === 200 ? 'ok' : code(answer)
    }
    await access({
      allow: ['10.9.8.7', '1.1.1.1'],
      deny: ['10.9.8.0/24', '2001:db8:1:2::/64'],
      deny_countries: ['AU'],
    })
    expect(await codeFrom('10.9.8.8')).toBe('address_denied')
    expect(await codeFrom('10.9.8.7')).toBe('ok')
    expect(await codeFrom('::ffff:10.9.8.9')).toBe('address_denied')
    expect(await codeFrom('2001:db8:1:2:ffff::1')).toBe('address_denied')
    expect(await codeFrom('2001:db8:1:3::1')).toBe('ok')
    expect(await codeFrom('1.0.0.1')).toBe('country_denied')
    expect(await codeFrom('1.1.1.1')).not.toBe('country_denied')
    expect(await codeFrom('192.0.2.1')).toBe('ok')
    // What a caller claims beyond the trusted proxy changes nothing.
    expect(await codeFrom('10.9.8.7, 10.9.8.8')).toBe('address_denied')
    const explained = await house.request('/admin/v1/limits/explain', {
      body: { key_id: id, model: 'up/gpt-4o-mini', address: '10.9.8.8' },
    })
    expect(await explained.json()).toMatchObject({ allowed: false, decides: 'access', access: 'address_denied' })
    await access({ default: 'deny', allow: ['192.0.2.0/24'] })
    expect(await codeFrom('192.0.2.1')).toBe('ok')
    expect(await codeFrom('10.0.0.9')).toBe('address_denied')
    await access({ allow_countries: ['unknown'] })
    expect(await codeFrom('10.0.0.9')).toBe('ok')
    expect(await codeFrom('1.0.0.1')).toBe('country_denied')
    await access({})
  })

  it('refuses a list with a fault, and keeps the one that stands', async () => {
    const answer = await house.request('/admin/v1/limits/access', {
      method: 'PUT',
      body: { default: 'deny', allow: ['10.0.0.0/99'], deny: ['nowhere'], allow_countries: [], deny_countries: [] },
    })
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { error: { details: unknown[] } }).error.details).toHaveLength(2)
    const { key } = await house.makeKey()
    expect((await ask(key)).status).toBe(200)
  })
})

describe('headgate limits', () => {
  const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const run = async (...words: string[]) => {
    const environment = { PATH: process.env['PATH'], HOME: house.dataDirectory, HEADGATE_PROFILE: 'testing' }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [cli, 'limits', ...words, '--json', '--database-url', house.databaseUrl, '--data-dir', house.dataDirectory],
      { cwd: house.dataDirectory, env: environment, timeout: 60_000 },
    )
    return JSON.parse(stdout) as Record<string, unknown>
  }

  it('sets a limit that the running server takes over, and says whom others would have refused', async () => {
    const { id, key } = await house.makeKey()
    for (let call = 0; call < 3; call++) expect((await ask(key)).status).toBe(200)
    await house.settled()
    const file = join(house.dataDirectory, 'policies.yaml')
    await writeFile(
      file,
      `by-key: { unit: requests, limit: 1, window_seconds: 3600, per: [key], match: { keys: [${id}] } }\n`,
    )
    expect(await run('simulate', file)).toMatchObject({
      refused: 2,
      policies: [{ name: 'by-key', calls: 3, refused: 2, keys: [{ key: id, refused: 2 }] }],
    })
    await writeFile(file, `unit: requests\nlimit: 1\nwindow_seconds: 3600\nper: [key]\nmatch: { keys: [${id}] }\n`)
    await run('set', 'by-key', file)
    await expect.poll(async () => (await ask(key)).status, { timeout: 10_000 }).toBe(429)
    await run('remove', 'by-key')
    await expect.poll(async () => (await ask(key)).status, { timeout: 10_000 }).toBe(200)
  })
})
