import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dumpDatabase, queryDatabase } from '../../../test/faults/support/ledger-rows.ts'
import { type House, startHouse } from '../../../test/support/house.ts'

const canary = 'planted-provider-secret-0001-WXYZ'
const headerCanary = 'planted-header-secret-0002'
const rootKey = 'a-root-key-of-a-test-0123456789-abcdefgh'
const provider = (name: string) => `/admin/v1/providers/${name}`

let house: House
let replica: House
let other: Upstream
beforeAll(async () => {
  house = await startHouse({ environment: { HEADGATE_ROOT_KEY: rootKey } })
  replica = await startHouse({
    databaseUrl: house.databaseUrl,
    upstream: house.upstream,
    environment: { HEADGATE_ROOT_KEY: rootKey },
  })
  other = await startUpstream()
})
afterAll(async () => {
  await replica.stop()
  await house.stop()
  await other.close()
})

const json = async (answer: Response | Promise<Response>) =>
  (await (await answer).json()) as { data: unknown; error: unknown }
const send = (method: string, path: string, body?: object, at = house) => at.request(path, { method, body })
const add = (name: string, more: object = {}) =>
  send('POST', '/admin/v1/providers', {
    name,
    base_url: `${house.upstream.url}/v1`,
    api_key: canary,
    headers: { 'x-own': headerCanary },
    ...more,
  })
const chat = async (at: House, key: string, model: string) => {
  const answer = await at.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content: 'Hello' }] },
  })
  return { status: answer.status, body: await json(answer) }
}
/** Waits until it is so: a change holds on every replica within 5 seconds, more where the machine is busy. */
const within = async (holds: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it never came to be')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('a provider that an operator adds', () => {
  it('answers calls here at once and on other replicas soon, called with its key and headers', async () => {
    const answer = await add('added')
    expect(answer.status).toBe(201)
    expect(await json(answer)).toMatchObject({
      object: 'provider',
      name: 'added',
      source: 'operator',
      state: 'active',
      api_key: { last4: 'WXYZ' },
      headers: ['x-own'],
    })
    const { key } = await house.makeKey()
    expect((await chat(house, key, 'added/gpt-4o-mini')).status).toBe(200)
    expect(house.upstream.requests().at(-1)?.headers).toMatchObject({
      authorization: `Bearer ${canary}`,
      'x-own': headerCanary,
    })
    await within(async () => (await chat(replica, key, 'added/gpt-4o-mini')).status === 200)
    await within(async () => {
      const { data } = await json(replica.request('/v1/models', { key }))
      return (data as { id: string }[]).some(({ id }) => id === 'added/gpt-4o-mini')
    })
  })

  it('is called anew after a change, and no longer after its end', async () => {
    await add('moving')
    const { key } = await house.makeKey()
    await chat(replica, key, 'moving/gpt-4o-mini')
    const moved = await send('PATCH', provider('moving'), {
      base_url: `${other.url}/v1`,
      api_key: 'another-key-0123456789',
      headers: null,
    })
    expect(await json(moved)).toMatchObject({ base_url: `${other.url}/v1`, api_key: { last4: '6789' }, headers: [] })
    const reached = () => other.requests().filter(({ path }) => path === '/v1/chat/completions').length
    await chat(house, key, 'moving/gpt-4o-mini')
    expect(reached()).toBe(1)
    await within(async () => {
      await chat(replica, key, 'moving/gpt-4o-mini')
      return reached() > 1
    })
    expect(other.requests().at(-1)?.headers['authorization']).toBe('Bearer another-key-0123456789')
    expect(await json(send('DELETE', provider('moving')))).toEqual({
      object: 'provider',
      name: 'moving',
      deleted: true,
    })
    expect((await chat(house, key, 'moving/gpt-4o-mini')).status).toBe(404)
    await within(async () => (await chat(replica, key, 'moving/gpt-4o-mini')).status === 404)
  })

  it('does not take its key along to another host', async () => {
    await add('kept')
    for (const body of [{ base_url: `${other.url}/v1` }, { base_url: `${other.url}/v1`, api_key: null }]) {
      const answer = await send('PATCH', provider('kept'), body)
      expect(answer.status).toBe(400)
      expect((await json(answer)).error).toMatchObject({ code: 'invalid_parameter' })
    }
    const sameHost = await send('PATCH', provider('kept'), { base_url: `${house.upstream.url}/v1/` })
    expect(await json(sameHost)).toMatchObject({ api_key: { last4: 'WXYZ' } })
  })

  it('is tested with what is stored', async () => {
    await add('tested')
    expect(await json(send('POST', `${provider('tested')}/test`))).toMatchObject({
      object: 'provider_test',
      ok: true,
      error: null,
      models: expect.arrayContaining(['gpt-4o-mini']),
    })
    await add('away', { base_url: 'http://127.0.0.1:1/v1' })
    expect(await json(send('POST', `${provider('away')}/test`))).toMatchObject({
      ok: false,
      models: [],
      error: { code: 'upstream_unreachable' },
    })
    expect(await json(send('POST', `${provider('up')}/test`))).toMatchObject({ ok: true })
  })

  it('is refused with the reason where it cannot be', async () => {
    const refusals: [string, string, object][] = [
      ['POST', '/admin/v1/providers', { name: 'up', base_url: 'http://127.0.0.1:1/v1' }],
      ['POST', '/admin/v1/providers', { name: 'added', base_url: 'http://127.0.0.1:1/v1' }],
      ['POST', '/admin/v1/providers', { name: 'no-address' }],
      ['POST', '/admin/v1/providers', { name: 'Upper', base_url: 'http://127.0.0.1:1/v1' }],
      ...['169.254.169.254', '0xa9fea9fe', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fd00:ec2::254]'].map(
        (host): [string, string, object] => [
          'POST',
          '/admin/v1/providers',
          { name: 'm', base_url: `http://${host}/v1` },
        ],
      ),
      ['POST', '/admin/v1/providers', { name: 'user', base_url: ['http://me', 'pass@127.0.0.1:1/v1'].join(':') }],
      ['POST', '/admin/v1/providers', { name: 'query', base_url: 'http://127.0.0.1:1/v1?key=1' }],
      ['POST', '/admin/v1/providers', { name: 'header', base_url: 'http://127.0.0.1:1', headers: { 'x-a': 'a\r\nb' } }],
      ['PATCH', provider('up'), { stream_usage: false }],
      ['DELETE', provider('up'), {}],
    ]
    for (const [method, path, body] of refusals) {
      const answer = await send(method, path, method === 'DELETE' ? undefined : body)
      expect(answer.status, JSON.stringify(body)).toBe(400)
      expect((await json(answer)).error).toMatchObject({ code: 'invalid_parameter' })
    }
    for (const name of ['missing', '__proto__', '..%2f']) {
      expect((await send('PATCH', provider(name), { stream_usage: false })).status).toBe(404)
      expect((await send('DELETE', provider(name))).status).toBe(404)
      expect((await send('POST', `${provider(name)}/test`)).status).toBe(404)
    }
    const groq = await send('POST', '/admin/v1/providers', { name: 'groq' })
    expect(await json(groq)).toMatchObject({ base_url: 'https://api.groq.com/openai/v1', api_key: null })
    await send('DELETE', provider('groq'))
  })

  it('shows its secret nowhere: not in an answer, not in the database', async () => {
    const texts = [
      await (await house.request('/admin/v1/providers')).text(),
      await (await house.request('/admin/v1/audit?limit=100')).text(),
      await dumpDatabase(house.databaseUrl),
    ]
    for (const text of texts) {
      expect(text).toContain('added')
      for (const secret of [canary, headerCanary]) {
        expect(text).not.toContain(secret)
        expect(text).not.toContain(Buffer.from(secret).toString('hex'))
      }
    }
  })

  it('stands in the audit with each change and each opening of its secrets', async () => {
    const entries = await queryDatabase<{ action: string; resource: string }>(
      house.databaseUrl,
      `SELECT action, resource FROM headgate.audit_entries WHERE resource LIKE 'provider/%' ORDER BY seq`,
    )
    const of = (name: string) =>
      entries.filter(({ resource }) => resource === `provider/${name}`).map((one) => one.action)
    expect(of('moving')).toEqual(['provider.created', 'provider.updated', 'provider.deleted'])
    expect(of('tested')).toEqual(['provider.created', 'provider.tested'])
    expect(of('up')).toEqual(['provider.tested'])
    expect(of('kept')).toEqual(['provider.created', 'provider.updated'])
  })
})

describe('under another root key', () => {
  it('says which providers do not open, and starts all the same', async () => {
    const stranger = await startHouse({
      databaseUrl: house.databaseUrl,
      upstream: house.upstream,
      environment: { HEADGATE_ROOT_KEY: 'another-root-key-of-a-test-0123456789-abc' },
    })
    const { data } = await json(stranger.request('/admin/v1/providers'))
    const states = Object.fromEntries((data as { name: string; state: string }[]).map((one) => [one.name, one.state]))
    expect(states).toMatchObject({ up: 'active', added: 'unreadable' })
    await stranger.stop()
  })
})

describe('a provider that the configuration names later', () => {
  it('is that of the configuration', async () => {
    const later = await startHouse({
      databaseUrl: house.databaseUrl,
      upstream: house.upstream,
      environment: { HEADGATE_ROOT_KEY: rootKey },
      config: { providers: { added: { kind: 'openai', base_url: `${other.url}/v1` } } },
    })
    const { data } = await json(later.request('/admin/v1/providers'))
    expect((data as { name: string }[]).filter(({ name }) => name === 'added')).toMatchObject([
      { source: 'configuration', state: 'active', base_url: `${other.url}/v1` },
      { source: 'operator', state: 'shadowed', base_url: `${house.upstream.url}/v1` },
    ])
    await later.stop()
  })
})

describe('a provider with several keys', () => {
  it('shows how each stands, by its last characters, and takes other keys in their place', async () => {
    const keys = ['a-first-key-0123456789-AAAA', 'a-second-key-0123456789-BBBB']
    const made = await add('several', { api_key: undefined, api_keys: keys })
    expect(made.status).toBe(201)
    expect(await json(made)).toMatchObject({
      keys: [
        { last4: 'AAAA', state: 'ready', until: null },
        { last4: 'BBBB', state: 'ready', until: null },
      ],
    })
    const { key } = await house.makeKey()
    expect((await chat(house, key, 'several/gpt-4o-mini')).status).toBe(200)
    expect(house.upstream.requests().at(-1)?.headers['authorization']).toBe(`Bearer ${keys[0]}`)
    expect((await chat(house, key, 'several/gpt-4o-mini;status=401')).status).toBe(502)
    const listed = (await json(send('GET', '/admin/v1/providers'))).data as { name: string; keys: object[] }[]
    expect(listed.find(({ name }) => name === 'several')?.keys).toMatchObject([
      { last4: 'AAAA', state: 'refused', until: expect.stringMatching(/^20/) },
      { last4: 'BBBB', state: 'refused' },
    ])
    const fresh = await json(send('PATCH', provider('several'), { api_key: 'one-key-alone-0123456789-CCCC' }))
    expect(fresh).toMatchObject({ keys: [{ last4: 'CCCC', state: 'ready' }] })
    const both = await send('PATCH', provider('several'), { api_key: 'x', api_keys: ['y'] })
    expect(both.status).toBe(400)
  })
})

describe('a provider that is taken out of use', () => {
  const stateOf = async (name: string, at = house) => {
    const { data } = await json(send('GET', '/admin/v1/providers', undefined, at))
    return (data as { name: string; state: string }[]).find((one) => one.name === name)?.state
  }

  it('is called nowhere until it is taken back, whoever named it', async () => {
    await add('switched')
    const { key } = await house.makeKey()
    for (const name of ['switched', 'up']) {
      const model = `${name}/gpt-4o-mini`
      await within(async () => (await chat(replica, key, model)).status === 200)
      expect(await json(send('PATCH', provider(name), { enabled: false }))).toMatchObject({ name, state: 'disabled' })
      expect((await chat(house, key, model)).status).toBe(404)
      await within(async () => (await chat(replica, key, model)).status === 404)
      expect(await stateOf(name, replica)).toBe('disabled')
      expect(await json(send('POST', `${provider(name)}/test`))).toMatchObject({ ok: true })
      expect(await json(send('PATCH', provider(name), { enabled: true }))).toMatchObject({ name, state: 'active' })
      expect((await chat(house, key, model)).status).toBe(200)
      await within(async () => (await chat(replica, key, model)).status === 200)
    }
    const told = await queryDatabase<{ action: string }>(
      house.databaseUrl,
      "SELECT action FROM headgate.audit_entries WHERE resource = 'provider/up'",
    )
    expect(told.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['provider.disabled', 'provider.tested', 'provider.enabled']),
    )
  })

  it('of the configuration takes no other change, and one that nobody has none at all', async () => {
    expect((await send('PATCH', provider('up'), { enabled: false, stream_usage: false })).status).toBe(400)
    expect(await stateOf('up')).toBe('active')
    expect((await send('PATCH', provider('nobody'), { enabled: false })).status).toBe(404)
  })
})
