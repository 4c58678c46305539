import type { Encryption } from '@headgate/contract/encryption.ts'
import { expect, it } from 'vitest'
import { openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { createSeal } from '../src/kernel/seal.ts'
import { localRoots } from '../src/kernel/seal-root.ts'
import { startGateway } from './faults/support/gateway-process.ts'
import { pause, until } from './faults/support/load.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { freshDatabase } from './support/database.ts'
import { startHouse } from './support/house.ts'

const rootKey = 'Tn4vK8rYb2Wq7ZsHc5Lx9JdPf3Gm6QaE'
const people = 400

it('a rotation under load, broken off by kill -9: nothing fails to open, the former key goes when nothing needs it', async () => {
  const home = await freshDatabase()
  const database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 2 })
  const environment = { HEADGATE_ROOT_KEY: rootKey }
  const house = await startHouse({ databaseUrl: home.url, environment })
  const gateway = await startGateway({ databaseUrl: home.url, upstreamUrl: house.upstream.url, environment })
  try {
    const seal = createSeal(localRoots({ reveal: () => rootKey }))
    const placeOf = (person: number) => ({
      ...{ project: 'default', subject: `person-${person}`, purpose: 'rotation-test' },
      ...{ table: 'things', row: String(person), column: 'sealed' },
    })
    const sealed = await database.transaction('system', async (transaction) => {
      const all: Buffer[] = []
      for (let person = 0; person < people; person++)
        all.push(await seal.seal(transaction, placeOf(person), `of ${person}`))
      return all
    })
    const standing = async () => (await (await house.request('/admin/v1/encryption')).json()) as Encryption
    const remaining = async (): Promise<number> => {
      const keys = await database.read('system', seal.state)
      return keys.slice(0, -1).reduce((sum, { dataKeys }) => sum + dataKeys, 0)
    }

    const { key } = await house.makeKey()
    const statuses: Record<number, number> = {}
    let over = false
    const client = async (number: number): Promise<void> => {
      for (let turn = 0; !over; turn++) {
        const headers = { authorization: `Bearer ${key}`, 'x-headgate-user': `user-${number}-${turn % 20}` }
        const note = async (answer: Response) => {
          statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
          return (await answer.json()) as { id: string; data?: { id: string }[] }
        }
        const body = JSON.stringify({ title: `Title ${turn}` })
        const json = { ...headers, 'content-type': 'application/json' }
        const made = await note(await fetch(`${house.url}/v1/sessions`, { method: 'POST', headers: json, body }))
        await note(await fetch(`${house.url}/v1/sessions/${made.id}`, { headers }))
        await note(await fetch(`${house.url}/v1/sessions`, { headers }))
      }
    }
    const clients = [0, 1].map((number) => client(number))
    await pause(300)

    expect((await gateway.request('/admin/v1/encryption/rotations', { body: {} })).status).toBe(202)
    await until('half of it is done', async () => {
      const left = await remaining()
      return left > 0 && left < people
    })
    await gateway.kill()
    expect(await remaining()).toBeGreaterThan(0)
    await expectFetchedError(
      await house.request('/admin/v1/encryption/keys/1', { method: 'DELETE' }),
      'encryption_key_in_use',
    )
    await expectFetchedError(
      await house.request('/admin/v1/encryption/keys/9', { method: 'DELETE' }),
      'resource_not_found',
    )
    // Whoever looks how far it is has this replica go on.
    await until('it is done', async () => (await standing()).rotation.state === 'idle')
    expect((await standing()).keys).toMatchObject([
      { version: 2, state: 'active', opens: true },
      { version: 1, state: 'deactivated', data_keys: 0 },
    ])
    expect((await house.request('/admin/v1/encryption/keys/1', { method: 'DELETE' })).status).toBe(200)
    expect((await standing()).keys[1]).toMatchObject({ version: 1, state: 'destroyed', opens: false })
    await pause(200)
    over = true
    await Promise.all(clients)
    expect(Object.keys(statuses).sort()).toEqual(['200', '201'])
    const fresh = createSeal(localRoots({ reveal: () => rootKey }))
    const texts = await database.read('system', async (read) => {
      const all: string[] = []
      for (const [person, bytes] of sealed.entries()) all.push(await fresh.open(read, placeOf(person), bytes))
      return all
    })
    expect(texts).toEqual(sealed.map((_, person) => `of ${person}`))
    const audit = await (await house.request('/admin/v1/audit?limit=5')).text()
    expect(audit).toContain('encryption_key.created')
    expect(audit).toContain('encryption_key.destroyed')
    await expectFetchedError(
      await house.request('/admin/v1/encryption/keys/2', { method: 'DELETE' }),
      'encryption_key_in_use',
    )
  } finally {
    await gateway.kill()
    await house.stop()
    await database.close()
    await home.drop()
  }
}, 90_000)
