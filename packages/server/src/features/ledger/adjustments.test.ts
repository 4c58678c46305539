import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { openDatabase } from '../../kernel/db.ts'
import { silentLog } from '../../kernel/log.ts'
import { verifyLedger } from './verify.ts'

let house: House

beforeAll(async () => {
  house = await startHouse()
}, 120_000)
afterAll(() => house.stop())

const path = '/admin/v1/ledger/adjustments'
const read = async (response: Promise<Response>) => {
  const answer = await response
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const adjust = (body: Readonly<Record<string, unknown>>) => read(house.request(path, { method: 'POST', body }))
const call = (key: string) =>
  read(
    house.request('/v1/chat/completions', {
      method: 'POST',
      key,
      body: { model: 'up/gpt-4o-mini', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] },
    }),
  )
const budgetOf = async (id: string) => (await read(house.request(`/admin/v1/keys/${id}`))).body['budget']
const verified = async () => {
  await house.settled()
  const database = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog, poolSize: 1 })
  const report = await verifyLedger(database)
  await database.close()
  return report.checks.filter(({ ok }) => !ok)
}

test('a charge uses up the budget of a key, a credit tops it up beyond its limit, and the accounts add up', async () => {
  const { id, key } = await house.makeKey({ budget: { limit_usd: '1', window: 'total' } })
  const charge = await adjust({ key_id: id, amount_usd: '1', reason: 'Support of January' })
  expect(charge).toMatchObject({
    status: 201,
    body: { amount_usd: '1', key_id: id, project: 'default', reference: null },
  })
  expect(await call(key)).toMatchObject({ status: 429, body: { error: { code: 'budget_exceeded' } } })

  const credit = await adjust({ key_id: id, amount_usd: '-3.000000001', reason: 'Top-up', reference: 'invoice-1' })
  expect(credit.body).toMatchObject({ amount_usd: '-3.000000001', budget_window: '1970-01-01T00:00:00.000Z' })
  expect(await budgetOf(id)).toMatchObject({ limit_usd: '1', spent_usd: '-2.000000001' })
  // A replica that was refused asks PostgreSQL again after a fifth of a second.
  await expect.poll(async () => (await call(key)).status, { timeout: 5_000, interval: 300 }).toBe(200)
  expect(await verified()).toEqual([])

  const usage = await read(house.request('/v1/usage', { key }))
  expect(usage.body).toMatchObject({ totals: { requests: 1, adjustments_usd: '-2.000000001' } })
  const listed = await read(house.request(`${path}?limit=1`))
  expect(listed.body).toMatchObject({ data: [credit.body], has_more: true })
  const rest = await read(house.request(`${path}?after=${String(listed.body['next_cursor'])}`))
  expect(rest.body).toMatchObject({ data: [charge.body], has_more: false, next_cursor: null })
}, 120_000)

test('one reference is one adjustment, sent again and at the same time; each is in the audit', async () => {
  const { id } = await house.makeKey({ budget: { limit_usd: '5', window: 'month' } })
  const body = { key_id: id, amount_usd: '-1', reason: 'Refund', reference: 'refund/7' }
  const answers = await Promise.all(Array.from({ length: 8 }, () => adjust(body)))
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(answers[0]).toMatchObject({ status: 201, body: { object: 'adjustment' } })
  expect(await budgetOf(id)).toMatchObject({ limit_usd: '5', spent_usd: '-1' })
  expect(await adjust({ ...body, amount_usd: '-2' })).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_parameter' } },
  })
  const audit = await read(house.request('/admin/v1/audit?limit=100'))
  const entries = (audit.body['data'] as { action: string; reason: string }[]).filter(
    ({ action, reason }) => action === 'ledger.adjusted' && reason === 'Refund',
  )
  expect(entries).toHaveLength(1)
}, 120_000)

test('an adjustment counts in the budgets of its project and key that hold whatever is called', async () => {
  const put = (name: string, body: object) => house.request(`/admin/v1/budgets/${name}`, { method: 'PUT', body })
  await house.request('/admin/v1/projects', { body: { id: 'levelled', name: 'levelled' } })
  const { id, key } = await house.makeKey({ project: 'levelled', budget: { limit_usd: '9', window: 'total' } })
  const rule = { limit_usd: '5', window: 'total', project: 'levelled' }
  await put('levelled', { ...rule, level: 'project' })
  await put('levelled-rolling', { ...rule, level: 'key', window: 'day', rolling: true })
  await put('levelled-users', { ...rule, level: 'user' })
  const spentOf = async (name: string) =>
    ((await read(house.request(`/admin/v1/budgets/${name}`))).body['accounts'] as { spent_usd: string }[]).map(
      ({ spent_usd: spent }) => spent,
    )
  expect(await adjust({ key_id: id, amount_usd: '2', reason: 'Support' })).toMatchObject({ status: 201 })
  expect(await adjust({ project: 'levelled', amount_usd: '3', reason: 'Hosting' })).toMatchObject({ status: 201 })
  expect([await spentOf('levelled'), await spentOf('levelled-rolling')]).toEqual([['5'], ['2']])
  expect(await spentOf('levelled-users')).toEqual([])
  expect(await budgetOf(id)).toMatchObject({ spent_usd: '2' })
  expect(await call(key)).toMatchObject({ status: 429, body: { error: { params: { budget: 'levelled' } } } })
  await adjust({ project: 'levelled', amount_usd: '-6', reason: 'Credit' })
  expect(await spentOf('levelled')).toEqual(['-1'])
  await expect.poll(async () => (await call(key)).status, { timeout: 5_000, interval: 300 }).toBe(200)
  expect(await verified()).toEqual([])
}, 120_000)

test('a project without a key can be charged; what fits nothing is refused', async () => {
  const made = await adjust({ project: 'default', amount_usd: '12.5', reason: 'Hosting' })
  expect(made.body).toMatchObject({ key_id: null, budget_window: null })
  const report = await read(house.request('/admin/v1/usage?group_by=key&project=default'))
  expect(report.body['data']).toContainEqual(expect.objectContaining({ group: null, cost_usd: '12.5', requests: 0 }))
  const faults: [body: Readonly<Record<string, unknown>>, status: number][] = [
    [{ amount_usd: '1', reason: 'x' }, 400],
    [{ project: 'default', amount_usd: '0.0', reason: 'x' }, 400],
    [{ project: 'default', amount_usd: 1, reason: 'x' }, 400],
    [{ project: 'default', amount_usd: '1' }, 400],
    [{ project: 'nowhere', amount_usd: '1', reason: 'x' }, 404],
    [{ key_id: 'aaaaaaaaaaaa', amount_usd: '1', reason: 'x' }, 404],
  ]
  for (const [body, status] of faults) expect((await adjust(body)).status, JSON.stringify(body)).toBe(status)
  expect(await verified()).toEqual([])
}, 120_000)
