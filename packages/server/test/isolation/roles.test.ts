import { type Permission, type Role, rolePermissions, roles } from '@headgate/contract/roles.ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type * as Server from '../../src/http/server.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import type { Route } from '../../src/kernel/route.ts'
import { expectError, expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { routeSamples } from './route-samples.ts'

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

interface Session {
  readonly id: string
  readonly operator: string
  readonly token: string
}
let ahead = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
let house: House
const samples = routeSamples(() => [])
const sessions = new Map<Role, Session>()

const post = async <T>(path: string, body: object, key?: string): Promise<T> => {
  const answer = await house.request(path, { body, ...(key !== undefined && { key }) })
  expect(answer.status, await answer.clone().text()).toBe(201)
  return (await answer.json()) as T
}
const addOperator = (role: Role) => post<{ id: string }>('/admin/v1/operators', { name: `The ${role}`, role })
const openSession = (operator: string, more: object = {}) => post<Session>('/admin/v1/sessions', { operator, ...more })
const keysBy = (key: string) => house.request('/admin/v1/keys', { key })

beforeAll(async () => {
  house = await startHouse({ overrides: { clock } })
  for (const role of roles) sessions.set(role, await openSession((await addOperator(role)).id))
})
afterAll(() => house.stop())

describe('each role on each route of operators', () => {
  it('is let in by its permissions, and refused with the one that it lacks before anything is done', async () => {
    let asked = 0
    const before = await (await house.request('/admin/v1/audit?limit=100')).text()
    const ask = async (role: Role, route: Extract<Route, { access: 'admin' }>) => {
      const { path, body } = samples[`${route.method} ${route.path}`] as { path: string; body?: object }
      const answer = await house.request(path, {
        method: route.method,
        ...(body && { body }),
        key: (sessions.get(role) as Session).token,
      })
      asked++
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    }
    const admin = mounted.routes.filter((route) => route.access === 'admin')
    const cases = roles.flatMap((role) => admin.map((route) => ({ role, route })))
    const may = ({ role, route }: (typeof cases)[number]) => rolePermissions[role].includes(route.permission)
    for (const { role, route } of cases.filter((one) => !may(one))) {
      const answer = await ask(role, route)
      expectError(answer, 'permission_missing')
      const { error } = JSON.parse(answer.text) as { error: { params: { role: Role; permission: Permission } } }
      expect(error.params).toEqual({ role, permission: route.permission })
    }
    expect(await (await house.request('/admin/v1/audit?limit=100')).text()).toBe(before)
    for (const { role, route } of cases.filter(may))
      expect([401, 403], `${role} ${route.method} ${route.path}`).not.toContain((await ask(role, route)).status)
    expect(asked).toBe(roles.length * admin.length)
    expect(asked).toBeGreaterThan(150)
  })
})

describe('a session', () => {
  it('names its operator in the audit', async () => {
    const { token, operator } = sessions.get('admin') as Session
    await post('/admin/v1/keys', { name: 'by a person' }, token)
    const { data } = (await (await house.request('/admin/v1/audit?limit=1')).json()) as { data: { actor: string }[] }
    expect(data[0]?.actor).toBe(operator)
  })

  it('ends when it is revoked, when its time is over, and when its operator is disabled', async () => {
    const { id } = await addOperator('support')
    const [one, two, short] = [
      await openSession(id),
      await openSession(id),
      await openSession(id, { expires_in_seconds: 60 }),
    ]
    for (const { token } of [one, two, short]) expect((await keysBy(token)).status).toBe(200)
    ahead += 61_000
    await expectFetchedError(await keysBy(short.token), 'session_expired')
    expect((await house.request(`/admin/v1/sessions/${one.id}`, { method: 'DELETE' })).status).toBe(200)
    await expectFetchedError(await keysBy(one.token), 'session_revoked')
    expect((await keysBy(two.token)).status).toBe(200)
    await house.request(`/admin/v1/operators/${id}`, { method: 'PATCH', body: { state: 'disabled' } })
    await expectFetchedError(await keysBy(two.token), 'session_revoked')
    await expectFetchedError(await house.request('/admin/v1/sessions', { body: { operator: id } }), 'invalid_parameter')
    await house.request(`/admin/v1/operators/${id}`, { method: 'PATCH', body: { state: 'active' } })
    await expectFetchedError(await keysBy(two.token), 'session_revoked')
  })

  it('has the role that its operator has now', async () => {
    const { id } = await addOperator('analyst')
    const { token } = await openSession(id)
    await expectFetchedError(await keysBy(token), 'permission_missing')
    await house.request(`/admin/v1/operators/${id}`, { method: 'PATCH', body: { role: 'support' } })
    expect((await keysBy(token)).status).toBe(200)
  })

  it('is no key of callers, and its token stands nowhere', async () => {
    const { token } = sessions.get('owner') as Session
    await expectFetchedError(await house.request('/v1/models', { key: token }), 'invalid_api_key')
    const other = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    for (const forged of [other, token.slice(0, -1), `${token}A`, 'hg_os_'])
      await expectFetchedError(await keysBy(forged), 'session_invalid')
    for (const path of ['/admin/v1/sessions', '/admin/v1/operators', '/admin/v1/audit?limit=100'])
      expect(await (await house.request(path)).text()).not.toContain(token)
  })
})
