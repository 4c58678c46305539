import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startGateway } from './faults/support/gateway-process.ts'
import { dumpDatabase } from './faults/support/ledger-rows.ts'
import { until } from './faults/support/load.ts'
import { readEvents } from './faults/support/read-events.ts'
import { adminKey, type House, startHouse } from './support/house.ts'
import { temporaryDirectory } from './support/services.ts'

const canary = 'canary-Q7zP2vTxB9kL4rMwC8yD'
const rotated = 'nR6cY3pL8sD5fG0jAhK2vQ9xW4mZ7tB1'

let upstream: Upstream
let house: House
let key: string

const second = (more = '') => `
providers:
  second:
    kind: openai
    base_url: ${upstream.url}/v1
    api_key: ${canary}
${more}`

beforeEach(async () => {
  upstream = await startUpstream()
  house = await startHouse({ upstream, files: { 'headgate.yaml': second() } })
  key = (await house.makeKey({ tier: 'free' })).key
})
afterEach(async () => {
  await house.stop()
  await upstream.close()
})

const reload = () => house.request('/admin/v1/config/reload', { method: 'POST' })
const change = async (text: string): Promise<unknown> => {
  await house.write('headgate.yaml', text)
  return (await reload()).json()
}
const call = (model: string, stream = false) =>
  house.request('/v1/chat/completions', {
    key,
    body: { model, stream, messages: [{ role: 'user', content: 'Hello' }] },
  })

interface Shown {
  readonly options: readonly {
    readonly option: string
    readonly value: string
    readonly where: string
    readonly source: string
  }[]
  readonly restart_required: readonly string[]
  readonly last_reload: { readonly outcome: string; readonly actor: string; readonly faults: object[] } | null
}
const shown = async () => (await (await house.request('/admin/v1/config')).json()) as Shown
const audited = async () => {
  const { data } = (await (await house.request('/admin/v1/audit')).json()) as {
    data: { action: string; actor: string }[]
  }
  return data.filter(({ action }) => action.startsWith('config.'))
}

describe('a reload', () => {
  it('takes a provider away and gives another, while a stream of the former one runs to its end', async () => {
    const stream = await call('second/gpt-4o-mini;parts=30;part-delay=30', true)
    expect(stream.status).toBe(200)
    await house.write('headgate.yaml', second().replace('second', 'third'))
    const answer = await reload()
    expect(answer.status).toBe(200)
    const { changed } = (await answer.json()) as { changed: string[] }
    expect(changed).toEqual(
      ['second', 'third'].flatMap((name) => ['kind', 'base_url', 'api_key'].map((at) => `providers.${name}.${at}`)),
    )
    expect((await call('second/gpt-4o-mini')).status).toBe(404)
    expect((await call('third/gpt-4o-mini')).status).toBe(200)
    expect(readEvents(await stream.text())).toMatchObject({ done: true, parts: 30, code: null })
    // The former walk is gone with its last call, and the house stands.
    expect((await call('third/gpt-4o-mini')).status).toBe(200)
  })

  it('fails no call, however often it is repeated under load', async () => {
    let done = false
    const statuses: number[] = []
    const caller = async (): Promise<void> => {
      while (!done) {
        const answer = await call('up/gpt-4o-mini;parts=3;part-delay=5', statuses.length % 2 === 0)
        const text = await answer.text()
        statuses.push(
          answer.headers.get('content-type')?.includes('event') && !text.includes('[DONE]') ? 0 : answer.status,
        )
      }
    }
    await change(second('tiers: {free: {requests: {rate_per_minute: 100000, burst: 100000}}}'))
    const callers = Promise.all(Array.from({ length: 8 }, caller))
    for (let round = 1; round <= 10; round++) {
      const report = await change(
        second(
          `tiers: {free: {requests: {rate_per_minute: 100000, burst: 100000}}}\nbody: {max_bytes: ${10_000 + round}}`,
        ),
      )
      expect(report).toMatchObject({ changed: ['body.max_bytes'] })
    }
    done = true
    await callers
    expect(statuses.length).toBeGreaterThan(10)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
  })

  it('changes limits, prices, tiers of new keys and the size of bodies', async () => {
    expect((await call('up/gpt-4o-mini')).headers.get('x-ratelimit-limit')).toBe('20')
    await change(
      second(
        [
          'tiers: {free: {requests: {rate_per_minute: 60, burst: 7}}, gold: {requests: {rate_per_minute: 9, burst: 9}}}',
          'models: {second/gpt-4o-mini: {price: {input: 0, output: 0, per_request: 0.5}}}',
          'body: {max_bytes: 300}',
        ].join('\n'),
      ),
    )
    const answer = await call('second/gpt-4o-mini')
    expect(answer.headers.get('x-ratelimit-limit')).toBe('7')
    expect(answer.headers.get('x-headgate-cost-usd')).toBe('0.5')
    expect((await house.makeKey({ tier: 'gold' })).key).toMatch(/^hg_sk_/)
    expect((await call(`up/${'x'.repeat(400)}`)).status).toBe(413)
  })

  it('changes the guards against overload', async () => {
    expect(await change(second('guards: {resident_bytes: 1000000}'))).toMatchObject({
      changed: ['guards.resident_bytes'],
    })
    await expect.poll(async () => (await call('up/gpt-4o-mini')).status, { timeout: 20_000 }).toBe(503)
    expect(await change(second())).toMatchObject({ changed: ['guards.resident_bytes'] })
    expect((await call('up/gpt-4o-mini')).status).toBe(200)
  })

  it('changes which requests are kept, and which providers are told of the trace', async () => {
    const model = 'up/gpt-4o-mini;part-delay=20'
    const kept = async () => {
      const { data } = (await (await house.request('/admin/v1/requests')).json()) as { data: { kept: string }[] }
      return data.filter((one) => one.kept === 'slow').length
    }
    const trace = () => upstream.requests().at(-1)?.headers['traceparent']
    await (await call(model)).text()
    expect([await kept(), trace()]).toEqual([0, undefined])
    const report = await change(second('requests: {slow_ms: 1}\ntraces: {propagate_to: [up]}'))
    expect(report).toMatchObject({ changed: ['requests.slow_ms', 'traces.propagate_to'], restart_required: [] })
    await (await call(model)).text()
    await expect.poll(kept, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(trace()).toMatch(/^00-/)
  })

  it('names what waits for the next start, and leaves it as it is', async () => {
    const report = await change(`${second()}\nredis_url: redis://127.0.0.1:1\ncounters: memory`)
    expect(report).toEqual({ object: 'config_reload', changed: [], restart_required: ['counters', 'redis_url'] })
    expect((await shown()).restart_required).toEqual(['counters', 'redis_url'])
    expect((await shown()).options.find(({ option }) => option === 'counters')).toMatchObject({ value: 'auto' })
    expect(await change(second())).toMatchObject({ restart_required: [] })
  })

  it('refuses a faulty configuration with every fault, and keeps the former one', async () => {
    await house.write('headgate.yaml', `prot: 1\nlog: {level: wran}\ntiers: {free: {requests: {burst: ${canary}}}}`)
    const answer = await reload()
    expect(answer.status).toBe(422)
    const { error } = (await answer.json()) as { error: { code: string; details: object[] } }
    expect(error.code).toBe('config_invalid')
    expect(error.details).toEqual([
      { location: 'headgate.yaml:1:1', message: 'prot: there is no such option', fix: 'Write "port".' },
      expect.objectContaining({ location: expect.stringContaining('headgate.yaml:3') }),
    ])
    expect((await call('second/gpt-4o-mini')).status).toBe(200)
    expect((await shown()).last_reload).toMatchObject({ outcome: 'refused', actor: 'admin', faults: [{}, {}] })
    expect((await audited())[0]).toMatchObject({
      action: 'config.reload_refused',
      actor: 'admin',
      after: { faults: [{ where: 'headgate.yaml:1:1', option: 'prot' }, {}] },
    })
  })

  it('is audited by name, with no value of a secret in the answer, the database or the view', async () => {
    await change(second().replace(canary, `${canary}-new`))
    const [entry] = await audited()
    expect(entry).toMatchObject({
      action: 'config.reloaded',
      actor: 'admin',
      resource: 'configuration',
      after: { changed: ['providers.second.api_key'], restart: [] },
    })
    const view = await shown()
    expect(view.options.find(({ option }) => option === 'providers.second.api_key')).toMatchObject({
      value: '***',
      source: 'file',
      where: 'headgate.yaml:6:5',
    })
    expect(JSON.stringify(view)).not.toContain(canary)
    expect(JSON.stringify(view)).not.toContain(adminKey)
    expect(await dumpDatabase(house.databaseUrl)).not.toContain(canary)
  })
})

it('a rotated admin key of a file counts from the reload on', async () => {
  const own = await startHouse({
    files: { 'headgate.yaml': 'admin_key: ${file:./admin.key}', 'admin.key': adminKey },
    environment: { HEADGATE_ADMIN_KEY: '' },
  })
  await own.write('admin.key', rotated)
  expect((await own.request('/admin/v1/config/reload', { method: 'POST' })).status).toBe(200)
  expect((await own.request('/admin/v1/config')).status).toBe(401)
  expect((await own.request('/admin/v1/config', { key: rotated })).status).toBe(200)
  await own.stop()
})

describe('SIGHUP', () => {
  it('reloads, and is audited as the signal; a bad file changes nothing and is told in the log', async () => {
    const file = join(await temporaryDirectory('reload'), 'headgate.yaml')
    const write = (text: string) => writeFile(file, text)
    await write('tiers: {silver: {requests: {rate_per_minute: 60, burst: 5}}}')
    const gateway = await startGateway({
      databaseUrl: house.databaseUrl,
      upstreamUrl: upstream.url,
      environment: { HEADGATE_CONFIG: file, HEADGATE_LOG_LEVEL: '' },
    })
    try {
      await gateway.makeKey({ tier: 'silver' })
      await write('tiers: {gold: {requests: {rate_per_minute: 60, burst: 5}}}\nlog: {level: info}')
      gateway.signal('SIGHUP')
      await until('the new tier is there', async () => {
        const answer = await gateway.request('/admin/v1/keys', { body: { name: 'gold', tier: 'gold' } })
        return answer.status === 201
      })
      await write('tiers: 7')
      gateway.signal('SIGHUP')
      await until('the fault is told', () => gateway.output().includes('The reload was refused'))
      expect(gateway.output()).toContain(`${file}:1:1: tiers: is 7; expected a map`)
      expect((await gateway.makeKey({ tier: 'gold' })).key).toMatch(/^hg_sk_/)
      await until('both are audited', async () => (await audited()).length >= 2)
      expect((await audited()).map(({ action, actor }) => [action, actor])).toEqual([
        ['config.reload_refused', 'signal'],
        ['config.reloaded', 'signal'],
      ])
    } finally {
      await gateway.kill()
    }
  })
})
