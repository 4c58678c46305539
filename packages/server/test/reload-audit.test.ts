import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type * as Server from '../src/http/server.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { type House, startHouse } from './support/house.ts'

const door = vi.hoisted(() => ({ isStuck: false }))
vi.mock('../src/http/server.ts', async (original) => {
  const real = await original<typeof Server>()
  return {
    ...real,
    createServer: (options: Parameters<typeof real.createServer>[0]) => {
      const server = real.createServer(options)
      return {
        ...server,
        replace: (next: Parameters<typeof server.replace>[0]) => {
          if (door.isStuck) throw new Error('planted')
          return server.replace(next)
        },
      }
    },
  }
})

const configured = (burst: number) => `
tiers: {free: {requests: {rate_per_minute: 600, burst: ${burst}}}}
limits: {per_ip: {rate_per_minute: 100000, burst: 100000}}`

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({ files: { 'headgate.yaml': configured(5) } })
  key = (await house.makeKey({ tier: 'free' })).key
})
afterEach(async () => {
  door.isStuck = false
  await queryDatabase(
    house.databaseUrl,
    'DROP TRIGGER IF EXISTS planted ON headgate.audit_entries; DROP FUNCTION IF EXISTS headgate.planted()',
  )
})
afterAll(() => house.stop())

/** Lets each row of the audit fail: at once, or when it is to be kept. */
const refuseRows = (when: 'at once' | 'at the commit') =>
  queryDatabase(
    house.databaseUrl,
    `CREATE FUNCTION headgate.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
     CREATE ${when === 'at once' ? '' : 'CONSTRAINT'} TRIGGER planted AFTER INSERT ON headgate.audit_entries
       ${when === 'at once' ? '' : 'DEFERRABLE INITIALLY DEFERRED'} FOR EACH ROW EXECUTE FUNCTION headgate.planted()`,
  )
const reload = async (text: string) => {
  await house.write('headgate.yaml', text)
  return house.request('/admin/v1/config/reload', { method: 'POST' })
}
const burst = async () =>
  (await house.request('/v1/chat/completions', { key, body: call })).headers.get('x-ratelimit-limit')
const call = { model: 'up/gpt-4o-mini;parts=1', messages: [{ role: 'user', content: 'Hello' }] }
const audited = async () => {
  const { data } = (await (await house.request('/admin/v1/audit')).json()) as { data: { action: string }[] }
  return data.filter(({ action }) => action.startsWith('config.')).length
}

it.each(['at once', 'at the commit'] as const)(
  'a reload whose row in the audit fails %s changes nothing',
  async (when) => {
    const before = await audited()
    await refuseRows(when)
    expect((await reload(configured(9))).status).toBe(500)
    expect(await burst()).toBe('5')
    expect(await audited()).toBe(before)
  },
)

it('a reload that cannot take effect is undone, and is not in the audit', async () => {
  const before = await audited()
  door.isStuck = true
  expect((await reload(configured(9))).status).toBe(500)
  door.isStuck = false
  expect(await burst()).toBe('5')
  expect(await audited()).toBe(before)
})

it('a refusal tells its faults although the audit takes no row', async () => {
  await refuseRows('at once')
  const answer = await reload('prot: 1')
  expect(answer.status).toBe(422)
  expect(await answer.text()).toContain('there is no such option')
  expect(await burst()).toBe('5')
})

it('after all of that a reload works, and is in the audit', async () => {
  const before = await audited()
  expect((await reload(configured(9))).status).toBe(200)
  expect(await burst()).toBe('9')
  expect(await audited()).toBe(before + 1)
})
