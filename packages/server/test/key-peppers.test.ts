import type { RegisteredKey } from '@headgate/contract/key-lifecycle.ts'
import type { KeyPeppers, StandingKey } from '@headgate/contract/key-peppers.ts'
import type { Page } from '@headgate/contract/keys.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { until } from './faults/support/load.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'

const environment = { HEADGATE_ROOT_KEY: 'Qz7mV2cXr9Lt5Ws8Hn3Kd6Pb4Yj1GfUa' }

let home: TestDatabase
let house: House
let replica: House
beforeAll(async () => {
  home = await freshDatabase()
  house = await startHouse({ databaseUrl: home.url, environment })
  replica = await startHouse({ databaseUrl: home.url, environment, upstream: house.upstream })
})
afterAll(async () => {
  await replica.stop()
  await house.stop()
  await home.drop()
})

const json = async <T>(path: string, options?: Parameters<House['request']>[1]): Promise<T> => {
  const answer = await house.request(path, options)
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  return (await answer.json()) as T
}
const peppers = () => json<KeyPeppers>('/admin/v1/key-peppers')
const states = async () => (await peppers()).data.map(({ generation, state, keys }) => [generation, state, keys])
const rotate = (on = house) => on.request('/admin/v1/key-peppers', { method: 'POST' })
const retire = (generation: number, body = {}) => house.request(`/admin/v1/key-peppers/${generation}/retire`, { body })
const standing = async (generation: number): Promise<string[]> =>
  (await json<Page<StandingKey>>(`/admin/v1/key-peppers/${generation}/keys?limit=100`)).data.map(({ id }) => id)
const use = async (key: string, on = house): Promise<number> => (await on.request('/v1/models', { key })).status

it('brings keys under the next pepper as they are used, on every replica, and none is refused meanwhile', async () => {
  const keys = await Promise.all(Array.from({ length: 12 }, (_, index) => house.makeKey({ name: `key ${index}` })))
  // Half of them are known to both processes before, the others to none.
  for (const { key } of keys.slice(0, 6)) expect([await use(key), await use(key, replica)]).toEqual([200, 200])
  const before = (await peppers()).data[0]?.keys ?? 0
  expect(before).toBeGreaterThanOrEqual(12)

  let over = false
  const refused: number[] = []
  const load = async (on: House, from: number): Promise<void> => {
    for (let turn = from; !over; turn++) {
      const status = await use(keys[turn % 11]?.key as string, on)
      if (status !== 200) refused.push(status)
    }
  }
  const clients = [load(house, 0), load(replica, 5)]
  expect((await rotate()).status).toBe(201)
  await until('what is used stands under the newest', async () => (await standing(1)).length <= before - 11)
  over = true
  await Promise.all(clients)
  expect(refused).toEqual([])

  const left = await standing(1)
  expect(left).toContain(keys[11]?.id)
  expect(left).not.toContain(keys[0]?.id)
  expect(await states()).toEqual([
    [2, 'active', 11],
    [1, 'retiring', before - 11],
  ])
  const made = await replica.makeKey({ name: 'made after' })
  expect([await use(made.key), await use(made.key, replica)]).toEqual([200, 200])
  expect(await standing(1)).not.toContain(made.id)
}, 60_000)

it('ends a pepper only when nothing would be lost unsaid', async () => {
  await expectFetchedError(await rotate(), 'pepper_in_use')
  await expectFetchedError(await retire(2), 'pepper_in_use')
  await expectFetchedError(await retire(9), 'resource_not_found')
  const { id, key } = await house.makeKey({ name: 'asleep' })
  const awake = await house.makeKey({ name: 'awake' })
  expect(await use(awake.key)).toBe(200)
  // As it stands where it was not used since the rotation.
  const [first] = (await peppers()).data.filter(({ generation }) => generation === 1)
  const secrets = await queryDatabase<{ secret_id: string }>(
    home.url,
    `UPDATE headgate.api_key_secrets SET pepper_id = '${first?.id}' WHERE key_id = '${id}' RETURNING secret_id`,
  )
  expect(secrets).toHaveLength(1)
  const refusal = await retire(1)
  expect(await refusal.clone().text()).toContain(`${id} (asleep)`)
  await expectFetchedError(refusal, 'pepper_in_use')
  expect((await json<Page<RegisteredKey>>('/admin/v1/key-lifecycle?kind=pepper')).data).toMatchObject([
    { state: 'retiring', due: 'no' },
    { state: 'active', due: 'no' },
  ])
  const ended = await retire(1, { accept_loss: true })
  expect(ended.status).toBe(200)
  expect((await states())[1]).toEqual([1, 'destroyed', 0])
  expect((await peppers()).rotation).toBe('idle')
  expect(await use(key)).toBe(401)
  expect([await use(awake.key), await use(awake.key, replica)]).toEqual([200, 200])
  const { data } = await json<{ data: { action: string; after: { keys?: string[] } }[] }>('/admin/v1/audit')
  expect(data.find(({ action }) => action === 'pepper.retired')?.after.keys).toContain(id)
}, 60_000)

it('leaves everything else under the first: users’ secrets, receipts, the admin key', async () => {
  const secret = await json<{ secret: string }>('/admin/v1/projects/default/user-secret', { body: {} })
  const receipts = await json('/admin/v1/privacy/receipt-key')
  expect((await rotate(replica)).status).toBe(201)
  await until('both know', async () => (await states()).length === 3)
  expect((await json<{ data: { signs: boolean }[] }>('/admin/v1/projects/default/user-secret')).data[0]?.signs).toBe(
    true,
  )
  expect(secret.secret).toMatch(/^hg_us_/)
  expect(await json('/admin/v1/privacy/receipt-key')).toEqual(receipts)
  expect((await retire(2, { accept_loss: true })).status).toBe(200)
})
