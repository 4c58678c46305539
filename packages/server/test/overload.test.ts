import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

let house: House
beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_BODY_MAX_TOTAL_BYTES: '2000000', HEADGATE_BODY_MAX_WAIT_MS: '4000' },
  })
})
afterAll(() => house.stop())

const ask = (key: string, model: string, size: number) =>
  house.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content: 'a'.repeat(size) }] },
  })

const bodyHeld = async () => {
  await expect
    .poll(async () => (await house.request('/metrics')).text(), { timeout: 15_000 })
    .toContain('headgate_request_bodies_bytes 1500')
}

it('holds no more bodies at once than it has room for: the next waits, and is told to come again when it waited too long', async () => {
  const { key } = await house.makeKey()
  const first = ask(key, 'up/gpt-4o-mini;delay=5000', 1_500_000)
  await bodyHeld()
  const second = await ask(key, 'up/gpt-4o-mini', 1_500_000)
  expect(second.status).toBe(503)
  expect(second.headers.get('retry-after')).toMatch(/^[2-3]$/)
  expect(((await second.json()) as { error: { code: string } }).error.code).toBe('overloaded')
  expect((await ask(key, 'up/gpt-4o-mini', 1000)).status).toBe(200)
  expect((await house.request('/livez')).status).toBe(200)
  // The first one ends while it waits.
  const third = ask(key, 'up/gpt-4o-mini', 1_500_000)
  expect((await third).status).toBe(200)
  expect((await first).status).toBe(200)
  const metrics = await (await house.request('/metrics')).text()
  expect(metrics).toContain('headgate_shed_total{reason="bodies"} 1')
  expect(metrics).toContain('headgate_request_bodies_bytes 0')
})

it('a caller who leaves in the middle of a body gives its room back', async () => {
  const { key } = await house.makeKey()
  const leave = new AbortController()
  const gone = fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    signal: leave.signal,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'up/gpt-4o-mini;delay=20000',
      messages: [{ role: 'user', content: 'a'.repeat(1_500_000) }],
    }),
  }).catch(() => null)
  await bodyHeld()
  leave.abort()
  await gone
  await expect.poll(async () => (await ask(key, 'up/gpt-4o-mini', 1_500_000)).status, { timeout: 10_000 }).toBe(200)
})
