import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { declaredRoutes } from '../../../scripts/check-architecture.ts'
import { routesPage } from '../../../scripts/reference-pages.ts'
import type * as Generation from '../src/compose/generation.ts'
import { deprecationHeaders } from '../src/http/deprecation.ts'
import { AppError } from '../src/kernel/errors.ts'
import type * as Log from '../src/kernel/log.ts'
import type { Route } from '../src/kernel/route.ts'
import { type House, startHouse } from './support/house.ts'

const farewell = { since: '2026-03-01', sunset: '2027-03-01', successor: '/v2/old' }
const planted = vi.hoisted(() => ({ routes: [] as Route[], lines: [] as string[] }))
vi.mock('../src/compose/generation.ts', async (original) => {
  const real = await original<typeof Generation>()
  const createGeneration: typeof real.createGeneration = (ground, settings) => {
    const generation = real.createGeneration(ground, settings)
    return { ...generation, door: { ...generation.door, routes: [...generation.door.routes, ...planted.routes] } }
  }
  return { ...real, createGeneration }
})
vi.mock('../src/kernel/log.ts', async (original) => {
  const real = await original<typeof Log>()
  const output = { write: (line: string) => void planted.lines.push(line), flush: () => {} }
  return {
    ...real,
    createLog: (_level: string, _output: unknown, hide: (text: string) => string) =>
      real.createLog('info', output, hide),
  }
})

const bytes = Buffer.from('data: {"part":1}\n\n')
const reference = { operationId: 'old', tag: 'Models', answer: Type.Object({}) } as const
planted.routes.push(
  {
    method: 'GET',
    path: '/old',
    access: 'public',
    summary: 'Old.',
    deprecated: farewell,
    reference,
    handle: () => ({ kind: 'json', value: {} }),
  },
  {
    method: 'POST',
    path: '/v1/old',
    access: 'caller',
    summary: 'Old.',
    deprecated: { since: '2026-03-01' },
    body: 'bytes',
    reference: null,
    handle: ({ body }) => {
      const asked = String(body)
      if (asked === 'defect') throw new Error('planted')
      if (asked === 'refused') throw new AppError('model_not_found')
      if (asked !== 'stream') return { kind: 'json', status: 201, value: { asked } }
      return {
        kind: 'events',
        stream: Promise.resolve({
          start: (sink) => {
            sink.data(bytes)
            sink.end()
          },
          pause: () => {},
          resume: () => {},
          abort: () => {},
        }),
      }
    },
  },
)

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({ config: { public_url: 'https://ai.example.org/gate' } })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const since = `@${Date.UTC(2026, 2, 1) / 1000}`
const information = '<https://ai.example.org/gate/docs/reference/routes>; rel="deprecation"; type="text/html"'
const told = ({ headers }: Response) => ['deprecation', 'sunset', 'link'].map((name) => headers.get(name))

describe('a deprecated route', () => {
  it('says since when, until when and what comes after it', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(`${house.url}/old`, { method })
      expect(answer.status).toBe(200)
      expect(told(answer)).toEqual([
        since,
        'Mon, 01 Mar 2027 00:00:00 GMT',
        `${information}, <https://ai.example.org/gate/v2/old>; rel="successor-version"`,
      ])
    }
  })

  it.each(['/v1/old', '/old', '/v1/old?way=framework'])(
    'says so in every answer of POST %s, errors too',
    async (path) => {
      const asked: [body: string, credential: string, status: number][] = [
        ['fine', key, 201],
        ['stream', key, 200],
        ['refused', key, 404],
        ['defect', key, 500],
        ['fine', 'nobody', 401],
        ['x'.repeat(70_000), key, 413],
      ]
      for (const [body, credential, status] of asked) {
        const answer = await house.request(path, { method: 'POST', body, key: credential })
        const text = await answer.text()
        expect(answer.status, text).toBe(status)
        expect(told(answer), text).toEqual([since, null, information])
      }
    },
  )

  it('is counted, and marked in the log', async () => {
    planted.lines.length = 0
    const count = async () =>
      Number(
        /headgate_deprecated_requests_total\{method="POST",route="\/v1\/old"\} (\d+)/.exec(
          await (await house.request('/metrics')).text(),
        )?.[1] ?? 0,
      )
    const before = await count()
    await house.request('/v1/old', { body: 'fine', key })
    await house.request('/v1/old', { body: 'refused', key })
    await house.request('/v1/models', { key })
    expect(await count()).toBe(before + 2)
    const lines = planted.lines.map(
      (line) => JSON.parse(line) as { route?: string; status?: number; deprecated?: true },
    )
    const of = (route: string) => lines.filter((line) => line.route === route).map(({ deprecated }) => deprecated)
    expect(of('/v1/old')).toEqual([true, true])
    expect(of('/v1/models')).toEqual([undefined])
  })

  it('is so in the API document', async () => {
    type Operation = { deprecated?: boolean; description?: string; responses: Record<string, { headers: object }> }
    const document = (await (await house.request('/openapi.json')).json()) as {
      paths: Record<string, Record<string, Operation>>
    }
    const old = document.paths['/old']?.['get']
    expect(old?.deprecated).toBe(true)
    expect(old?.description).toBe('Deprecated since 2026-03-01; ends on 2027-03-01. Use `/v2/old`.')
    expect(Object.keys(old?.responses['200']?.headers ?? {})).toEqual(
      expect.arrayContaining(['deprecation', 'sunset', 'link']),
    )
    expect(document.paths['/v1/models']?.['get']).not.toHaveProperty('deprecated')
  })

  it('is so on the page of routes', () => {
    const text = `defineRoute({ method: 'GET', path: '/old', access: 'public', summary: 'Old.', deprecated: { since: '2026-03-01', sunset: '2027-03-01', successor: '/v2/old' } })`
    const routes = declaredRoutes([{ path: 'x.routes.ts', text }])
    expect(routesPage(routes)).toContain(
      '| GET | `/old` | anyone | Old. **Deprecated since 2026-03-01, ends on 2027-03-01.** Use `/v2/old`. |',
    )
  })
})

describe('every other route', () => {
  it('says nothing of the kind', async () => {
    for (const path of ['/livez', '/v1/models', '/nothing'])
      expect(told(await house.request(path, { key }))).toEqual([null, null, null])
  })
})

describe('a declaration', () => {
  const address = () => ''
  it('with a day that is none, or an end before its beginning, does not stand', () => {
    expect(() => deprecationHeaders({ since: 'soon' }, address)).toThrow('soon is no day')
    expect(() => deprecationHeaders({ since: '2027-01-02', sunset: '2027-01-01' }, address)).toThrow('cannot end')
  })
})
