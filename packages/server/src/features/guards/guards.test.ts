import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { type Receiver, startReceiver } from '../../../test/support/receivers.ts'

let receiver: Receiver
let house: House
beforeAll(async () => {
  receiver = await startReceiver()
  house = await startHouse({
    config: {
      receivers: { night: { kind: 'webhook', url: `${receiver.url}/night` } },
      // Less than any process has: everything but operators and health is refused.
      guards_resident_bytes: '1000',
    },
  })
})
afterAll(async () => {
  await house.stop()
  await receiver.close()
})

it('a process at its bound refuses calls, tells receivers of alerts once, and is degraded but wants traffic', async () => {
  const { key } = await house.makeKey()
  await expect.poll(async () => (await house.request('/v1/models', { key })).status, { timeout: 15_000 }).toBe(503)
  const ready = async () => (await house.request('/readyz')).json()
  await expect.poll(ready, { timeout: 15_000 }).toMatchObject({ status: 'degraded', parts: { guards: 'degraded' } })
  expect((await house.request('/readyz')).status).toBe(200)
  await expect.poll(() => receiver.deliveries.length, { timeout: 15_000 }).toBe(1)
  expect(receiver.deliveries[0]?.body).toMatchObject({
    name: 'process/overload',
    severity: 'ticket',
    threshold: 1,
    summary: expect.stringMatching(new RegExp(`process ${process.pid}: .*memory: heap \\d+ of \\d+ MiB`)),
  })
  const metrics = async () => (await house.request('/metrics')).text()
  await expect.poll(metrics, { timeout: 15_000 }).toContain('headgate_memory_reliefs_total{measure="garbage"} 1')
  expect(await metrics()).toMatch(/^headgate_heap_after_collection_bytes \d+$/m)
  expect(receiver.deliveries).toHaveLength(1)
})
