import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type * as Server from '../../src/http/server.ts'
import type { Route } from '../../src/kernel/route.ts'
import { expectError } from '../input/error-shape.ts'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { canary, chat, missing, routeSamples } from './route-samples.ts'
import type { Sample } from './sample.ts'

const mounted = vi.hoisted(() => ({ routes: [] as readonly Route[] }))
vi.mock('../../src/http/server.ts', async (original) => {
  const real = await original<typeof Server>()
  return {
    ...real,
    createServer: (options: Parameters<typeof real.createServer>[0]) => {
      mounted.routes = options.routes
      return real.createServer(options)
    },
  }
})

const page = 'https://app.example.org'

interface Keys {
  readonly id: string
  readonly key: string
}
interface World {
  readonly a: Keys
  readonly aBrowser: Keys
  readonly aRevoked: Keys
  readonly b: Keys
  readonly bBrowser: Keys
  /** Ids of a call that A's secret key made: ours, and the one A sent. */
  readonly callId: string
  readonly calledAs: string
}

let house: House
let world: World

const call = (path: string, key: string, { method = 'GET', body, headers = {} }: Ask = {}) =>
  fetch(house.url + path, {
    method,
    headers: {
      ...(key !== '' && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
interface Ask {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

beforeAll(async () => {
  house = await startHouse()
  for (const id of [canary, 'project-b']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  const browser = { kind: 'publishable', origins: [page] }
  const a = await house.makeKey({ project: canary, name: canary })
  const aRevoked = await house.makeKey({ project: canary, name: canary })
  await house.request(`/admin/v1/keys/${aRevoked.id}/revoke`, { body: {} })
  const calledAs = `${canary}-call`
  const made = await call('/v1/chat/completions', a.key, {
    method: 'POST',
    body: chat,
    headers: { 'x-request-id': calledAs },
  })
  await made.text()
  await house.settled()
  const list = (await (await call('/v1/usage', a.key)).json()) as { data: { id: string }[] }
  world = {
    a,
    aRevoked,
    aBrowser: await house.makeKey({ project: canary, name: canary, ...browser }),
    b: await house.makeKey({ project: 'project-b' }),
    bBrowser: await house.makeKey({ project: 'project-b', ...browser }),
    callId: list.data[0]?.id ?? '',
    calledAs,
  }
})
afterAll(() => house.stop())

/** Every mounted route stands here, or the test fails. */
const samples = routeSamples(() => [`/v1/usage/${world.callId}`, `/v1/usage/${world.calledAs}`])

const nameOf = ({ method, path }: Route) => `${method} ${path}`
const sampleOf = (route: Route): Sample => {
  const sample = samples[nameOf(route)]
  if (!sample) throw new Error(`${nameOf(route)} is mounted, but not listed here`)
  return sample
}
const ask = async (route: Route, key: string, path = sampleOf(route).path, headers: Record<string, string> = {}) => {
  const response = await call(path, key, { method: route.method, body: sampleOf(route).body, headers })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const of = (access: Route['access']) => mounted.routes.filter((route) => route.access === access)
const aliases = (path: string, route: Route) =>
  path.startsWith('/v1/') && route.prefixedOnly !== true ? [path, path.slice(3)] : [path]
const withoutIds = (text: string) => text.replace(/req_[0-9A-Z]{26}/g, 'req').replace(/[0-9A-Za-z]{12}(?= )/g, 'id')
const state = async () => {
  const read = async (path: string) => (await (await house.request(path)).json()) as { data: Record<string, unknown>[] }
  const [keys, projects, audit] = await Promise.all(
    ['/admin/v1/keys?limit=100', '/admin/v1/projects?limit=100', '/admin/v1/audit?limit=100'].map(read),
  )
  return { keys: keys?.data.map(({ last_used_at: _, ...key }) => key), projects, audit }
}

describe('the matrix', () => {
  it('knows every mounted route, and no other', () => {
    expect(mounted.routes.map(nameOf).sort()).toEqual(Object.keys(samples).sort())
  })

  it('has every route with an id name something foreign', () => {
    for (const route of mounted.routes) {
      if (/:/.test(route.path)) expect(sampleOf(route).foreign, nameOf(route)).toBeDefined()
    }
  })
})

describe('a public route', () => {
  it('tells nothing of a tenant, whoever asks', async () => {
    for (const route of of('public')) {
      for (const key of ['', world.b.key, world.a.key, adminKey, 'nonsense']) {
        const { status, text } = await ask(route, key)
        expect(status, nameOf(route)).toBe(sampleOf(route).told ?? 200)
        for (const secret of [canary, world.a.id, world.a.key, world.callId, adminKey])
          expect(text).not.toContain(secret)
      }
    }
  })
})

describe('a caller route', () => {
  it('takes no stranger', async () => {
    for (const route of of('caller')) {
      for (const path of aliases(sampleOf(route).path, route)) {
        expectError(await ask(route, '', path), 'api_key_missing')
        expectError(await ask(route, 'nonsense', path), 'invalid_api_key')
        expectError(await ask(route, adminKey, path), 'invalid_api_key')
        expectError(await ask(route, world.aRevoked.key, path), 'api_key_revoked')
        const forged = `${world.a.key.slice(0, -1)}${world.a.key.endsWith('0') ? '1' : '0'}`
        expectError(await ask(route, forged, path), 'invalid_api_key')
      }
    }
  })

  it('takes a browser key only where it says so, and from its pages', async () => {
    for (const route of of('caller')) {
      const browser = route.access === 'caller' && route.browser === true
      const other = await ask(route, world.bBrowser.key, undefined, { origin: 'https://evil.example' })
      const none = await ask(route, world.bBrowser.key)
      const own = await ask(route, world.bBrowser.key, undefined, { origin: page })
      if (browser) {
        expectError(other, 'origin_not_allowed')
        expectError(none, 'origin_not_allowed')
        expect([401, 403], nameOf(route)).not.toContain(own.status)
      } else for (const answer of [other, none, own]) expectError(answer, 'secret_key_required')
      for (const { text } of [other, none, own]) expect(text).not.toContain(canary)
    }
  })

  it('shows another project nothing', async () => {
    for (const route of of('caller')) {
      for (const path of aliases(sampleOf(route).path, route)) {
        const { text, status } = await ask(route, world.b.key, path)
        expect(status).not.toBe(500)
        expect(text).not.toContain(canary)
        expect(text).not.toContain(world.a.id)
        expect(text).not.toContain(world.callId)
      }
    }
  })

  it('answers for the foreign as for the missing, to the letter', async () => {
    const asked = { b: world.b.key, bBrowser: world.bBrowser.key, aBrowser: world.aBrowser.key }
    let compared = 0
    for (const route of of('caller')) {
      const { foreign, missing: nothing } = sampleOf(route)
      for (const path of foreign?.() ?? []) {
        for (const [who, key] of Object.entries(asked)) {
          const origin: Record<string, string> = who.endsWith('Browser') ? { origin: page } : {}
          const theirs = await ask(route, key, path, origin)
          const none = await ask(route, key, nothing, origin)
          expectError(theirs, 'resource_not_found')
          expect(withoutIds(theirs.text), `${who} ${path}`).toBe(withoutIds(none.text))
          compared++
        }
        expect((await ask(route, world.a.key, path)).status, 'the owner sees it').toBe(200)
      }
    }
    expect(compared).toBeGreaterThan(0)
  })
})

describe('an operator’s route', () => {
  it('takes the admin key alone, and refuses before it reads or changes anything', async () => {
    const before = await state()
    const refused = async (route: Route, path: string) => {
      expectError(await ask(route, '', path), 'api_key_missing')
      for (const key of ['nonsense', `${adminKey}x`, adminKey.slice(1), adminKey.toLowerCase()])
        expectError(await ask(route, key, path), 'invalid_api_key')
      for (const { key } of [world.a, world.b, world.aBrowser, world.bBrowser, world.aRevoked]) {
        const answer = await ask(route, key, path, { origin: page })
        expectError(answer, 'admin_key_required')
        expect(answer.text).not.toContain(canary)
      }
    }
    for (const route of of('admin')) {
      const paths = [sampleOf(route).path, route.path.replace(':id', world.a.id)]
      await Promise.all(paths.map((path) => refused(route, path)))
    }
    expect(await state()).toEqual(before)
    expect((await call('/v1/models', world.a.key)).status).toBe(200)
  }, 120_000)

  it('answers the same for every id that is none', async () => {
    for (const route of of('admin').filter(({ path }) => path.includes(':id'))) {
      const answers = await Promise.all(
        [
          missing,
          world.a.id.split('').reverse().join(''),
          `${world.a.id}x`,
          world.a.id.slice(1),
          '__proto__',
          "' OR 1=1",
          '%20',
          '..%2f',
        ]
          .map((id) => route.path.replace(':id', encodeURIComponent(id)))
          .map((path) => ask(route, adminKey, path)),
      )
      for (const answer of answers) {
        expectError(answer, 'resource_not_found')
        expect(answer.text).not.toContain(canary)
      }
    }
  })
})
