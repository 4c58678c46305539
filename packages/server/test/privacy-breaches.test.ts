import type { Breach } from '@headgate/contract/privacy-breaches.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

let house: House

beforeAll(async () => {
  house = await startHouse()
  const { key } = await house.makeKey()
  for (const user of ['ada', 'ada', 'ben']) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-user': user }
    await fetch(`${house.url}/v1/sessions`, { method: 'POST', headers, body: '{}' })
  }
}, 60_000)
afterAll(() => house.stop())

const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const given = await answer
  const text = await given.text()
  expect(given.status, text).toBeLessThan(300)
  return JSON.parse(text) as T
}
const path = '/admin/v1/privacy/breaches'
const open = (body: object) => json<Breach>(house.request(path, { body }))
const change = (id: string, body: object) => json<Breach>(house.request(`${path}/${id}`, { method: 'PATCH', body }))
const alerts = async () => {
  await json(house.request('/admin/v1/alerts/evaluate', { body: {} }))
  const { data } = await json<{ data: { name: string; severity: string; ended_at: string | null }[] }>(
    house.request('/admin/v1/alerts'),
  )
  return data.flatMap(({ name, severity, ended_at: end }) =>
    name.startsWith('privacy/') && end === null ? [`${name} ${severity}`] : [],
  )
}
const gauge = async (name: string) =>
  Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(await (await house.request('/metrics')).text())?.[1])

it('a breach runs for 72 hours from becoming aware of it, tells whom it concerns, and alerts until the authority knows', async () => {
  expect([await alerts(), await gauge('headgate_breaches_open')]).toEqual([[], 0])
  const made = await open({ title: 'A backup lay open', projects: ['default'] })
  expect(made).toMatchObject({ state: 'due', risk: 'unknown', hours_left: 72, notified_at: null })
  expect(Date.parse(made.notify_by) - Date.parse(made.aware_at)).toBe(72 * 3_600_000)
  expect(made.affected).toMatchObject({ people: 2, rows: { conversation_sessions: 3 } })
  expect((await open({ title: 'Elsewhere', projects: ['other'], risk: 'unlikely' })).affected?.people).toBe(0)
  expect(await alerts()).toEqual(['privacy/breaches ticket'])
  expect(await gauge('headgate_breach_seconds_left')).toBeGreaterThan(71 * 3_600)

  const aware = new Date(Date.now() - 80 * 3_600_000).toISOString()
  const late = await open({ title: 'Found late', tables: ['conversation_sessions'], aware_at: aware })
  expect(late).toMatchObject({ state: 'overdue', hours_left: -9, affected: { people: 2 } })
  expect(await alerts()).toContain('privacy/breaches page')
  const at = new Date().toISOString()
  const told = { notified_at: at, reference: 'NO-17', delay_reason: 'It was a holiday' }
  expect(await change(late.id, told)).toMatchObject({ state: 'notified', reference: 'NO-17' })
  expect(await change(made.id, { risk: 'unlikely' })).toMatchObject({ state: 'not_due' })
  expect([await alerts(), await gauge('headgate_breaches_open')]).toEqual([[], 0])
  const { data } = await json<{ data: Breach[] }>(house.request(path))
  expect(data.map(({ title, state }) => `${title}: ${state}`)).toEqual([
    'Found late: notified',
    'Elsewhere: not_due',
    'A backup lay open: not_due',
  ])
  expect(await change(made.id, { closed_at: at })).toMatchObject({ state: 'closed' })

  await expectFetchedError(
    await house.request(path, { body: { title: 'Odd', tables: ['projects'] } }),
    'invalid_parameter',
  )
  await expectFetchedError(await house.request(`${path}/brc_0`), 'breach_not_found')
})

it('requests of people that are overdue alert, too', async () => {
  const identity = { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'ada' }
  await json(
    house.request('/admin/v1/privacy/requests', {
      body: { project: 'default', subject_request_type: 'access', subject_identities: [identity] },
    }),
  )
  await queryDatabase(
    house.databaseUrl,
    `UPDATE headgate.privacy_requests SET state = 'failed', due_at = now() - interval '1 day'`,
  )
  expect(await alerts()).toEqual(['privacy/requests ticket'])
  expect(await gauge('headgate_privacy_requests_overdue')).toBe(1)
})
