import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'
import { type FrontProxy, startHaproxy, startNginx } from '../support/proxies.ts'
import { talk } from './raw.ts'
import { variants } from './smuggling-variants.ts'

let house: House
let proxies: readonly FrontProxy[] = []

beforeAll(async () => {
  house = await startHouse()
  proxies = [await startNginx(house.url), await startHaproxy(house.url)]
}, 240_000)
afterAll(async () => {
  for (const proxy of proxies) await proxy.stop()
  await house.stop()
})

/** A request that a proxy lets nobody make; where it gets through all the same, a project stands there afterwards. */
const sentinel = (id: string): string => {
  const body = JSON.stringify({ id, name: 'smuggled' })
  return (
    `POST /admin/v1/projects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${adminKey}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

const projects = async (): Promise<string[]> => {
  const answer = await house.request('/admin/v1/projects?limit=100')
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id)
}

describe('a request hidden in another', () => {
  it('comes in at least 200 forms', () => {
    expect(variants.length).toBeGreaterThanOrEqual(200)
    expect(new Set(variants.map(({ name }) => name)).size).toBe(variants.length)
  })

  it('is what the proxies refuse, and what the house would do', async () => {
    for (const { url, name } of proxies) {
      const { answers } = await talk(url, sentinel('direct'), { answers: 1 })
      expect(answers[0]?.status, name).toBe(403)
    }
    const { answers } = await talk(house.url, sentinel('planted'), { answers: 1 })
    expect(answers[0]?.status).toBe(201)
    expect(await projects()).toEqual(['default', 'planted'])
  })

  it.each([0, 1])(
    'reaches the house through no proxy (%i)',
    async (which) => {
      const { name, url } = proxies[which] as FrontProxy
      const queue = variants.map((variant, index) => ({ variant, id: `${name}-${index}` }))
      const work = async () => {
        for (let next = queue.pop(); next; next = queue.pop()) {
          const { variant, id } = next
          await talk(url, variant.bytes(sentinel(id)), { answers: 2, patience: 500 })
          // Whoever comes next over the proxy's kept connections gets the answer to their own request.
          const own = await fetch(`${url}/livez`, { headers: { 'x-request-id': `own-${id}` } })
          expect([own.status, own.headers.get('x-request-id')], variant.name).toEqual([200, `own-${id}`])
        }
      }
      await Promise.all([work(), work(), work(), work()])
      const through = (await projects()).filter((id) => id.startsWith(name))
      const named = through.map((id) => variants[Number(id.slice(name.length + 1))]?.name)
      expect(named).toEqual([])
    },
    240_000,
  )
})
