import type { Budget, BudgetRule } from '@headgate/contract/budgets.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../src/features/ledger/verify.ts'
import { type Database, openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { readReserved } from './accounts/support/books.ts'
import { type House, startHouse } from './support/house.ts'

/** Each call costs 0.01 USD, neither more nor less. */
const price = { input: '0', output: '0', per_request: '0.01' }

let house: House
let database: Database

beforeAll(async () => {
  house = await startHouse({
    config: {
      models: {
        'up/gpt-4o-mini;delay=20': { price },
        'up/gpt-4o;delay=20': { price },
        'up/free': { price: { input: '0', output: '0' } },
      },
      budgets: { 'of-file': { level: 'project', limit_usd: '0.03', window: 'total', project: 'filed' } },
    },
  })
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog, poolSize: 2 })
})
afterAll(async () => {
  await database.close()
  await house.stop()
})

const makeProject = async (id: string, key: Readonly<Record<string, unknown>> = {}) => {
  expect((await house.request('/admin/v1/projects', { body: { id, name: id } })).status).toBe(201)
  return (await house.makeKey({ project: id, ...key })).key
}
const set = async (name: string, rule: BudgetRule) => {
  const answer = await house.request(`/admin/v1/budgets/${name}`, { method: 'PUT', body: rule })
  expect(answer.status, await answer.clone().text()).toBe(200)
  return (await answer.json()) as Budget
}
const show = async (name: string) => (await (await house.request(`/admin/v1/budgets/${name}`)).json()) as Budget
const call = (key: string, user?: string, model = 'up/gpt-4o-mini;delay=20') =>
  house.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content: 'race' }], ...(user !== undefined && { user }) },
  })
interface Refusal {
  readonly error: { readonly code: string; readonly params: object; readonly details: { message: string }[] }
}
/** How many of so many calls at once are admitted, and by which budgets the others are refused. */
const race = async (count: number, once: (index: number) => Promise<Response>) => {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => once(index)))
  const refusals = await Promise.all(
    answers.filter(({ status }) => status !== 200).map(async (answer) => (await answer.json()) as Refusal),
  )
  expect(refusals.every(({ error }) => error.code === 'budget_exceeded')).toBe(true)
  const by = new Set(refusals.map(({ error }) => (error.params as { budget?: string }).budget ?? 'key'))
  return { admitted: count - refusals.length, by: [...by] }
}
const nothingHeld = async () => {
  await house.settled()
  await expect
    .poll(() => readReserved(database), { timeout: 20_000, interval: 100 })
    .toEqual({ windows: 0n, leases: 0n })
  expect((await verifyLedger(database)).findings).toEqual([])
}
const spent = ({ accounts }: Budget) => Object.fromEntries(accounts.map((one) => [one.subject, one.spent_usd]))

describe('200 calls at once, with budgets of their project, user and key', () => {
  it('are admitted as far as the tightest has room, and refused ones are charged to none', async () => {
    const key = await makeProject('levels', { budget: { limit_usd: '1', window: 'month' } })
    await set('levels-project', { level: 'project', limit_usd: '0.5', window: 'day', project: 'levels' })
    await set('levels-user', { level: 'user', limit_usd: '0.1', window: 'day', project: 'levels' })
    expect(await race(200, () => call(key, 'ann'))).toEqual({ admitted: 10, by: ['levels-user'] })
    await nothingHeld()
    expect(spent(await show('levels-project'))).toEqual({ levels: '0.1' })
    expect(spent(await show('levels-user'))).toEqual({ ann: '0.1' })
    expect(await race(20, () => call(key, 'bob'))).toEqual({ admitted: 10, by: ['levels-user'] })
    await nothingHeld()
    expect(spent(await show('levels-user'))).toEqual({ ann: '0.1', bob: '0.1' })
    const usage = (await (await house.request('/v1/usage', { key })).json()) as { budget: { spent_usd: string } }
    expect(usage.budget.spent_usd).toBe('0.2')
  }, 60_000)

  it('of many users share what their project has left, to the last', async () => {
    const key = await makeProject('shared')
    await set('shared-project', { level: 'project', limit_usd: '0.1', window: 'total', project: 'shared' })
    await set('shared-user', { level: 'user', limit_usd: '0.02', window: 'day', project: 'shared' })
    const { admitted, by } = await race(200, (index) => call(key, `user-${index % 50}`))
    expect(admitted).toBe(10)
    expect(by).toContain('shared-project')
    await nothingHeld()
    expect(spent(await show('shared-project'))).toEqual({ shared: '0.1' })
  }, 60_000)

  it('count for the model that answered, over all projects, and leave others alone', async () => {
    const key = await makeProject('modelled')
    await set('dear-model', { level: 'model', limit_usd: '0.05', window: 'hour', model: 'up/gpt-4o;*' })
    expect(await race(30, () => call(key, 'ann', 'up/gpt-4o;delay=20'))).toEqual({ admitted: 5, by: ['dear-model'] })
    expect((await call(key, 'ann')).status).toBe(200)
    await nothingHeld()
    expect(await show('dear-model')).toMatchObject({
      accounts: [{ project: null, subject: 'up/gpt-4o;*', spent_usd: '0.05', remaining_usd: '0' }],
    })
  }, 60_000)
})

describe('a budget', () => {
  it('is refused with what is wrong in it, and with the right name of a wrong member', async () => {
    const answer = await house.request('/admin/v1/budgets/wrong', {
      method: 'PUT',
      body: { level: 'project', limit_usd: '1', window: 'day', projekt: 'x' },
    })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('project')
    expect((await house.request('/admin/v1/budgets/wrong')).status).toBe(404)
  })

  it('refuses, is raised, is taken away: each in effect at once here, each in the audit', async () => {
    const key = await makeProject('changing')
    const rule: BudgetRule = { level: 'key', limit_usd: '0.01', window: 'month', project: 'changing' }
    await set('changing', rule)
    expect((await call(key)).status).toBe(200)
    const refused = await call(key)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(((await refused.json()) as Refusal).error).toMatchObject({
      code: 'budget_exceeded',
      params: { budget: 'changing', level: 'key' },
      details: [{ message: 'the budget changing (per key) has too little left' }],
    })
    // What costs nothing is served.
    expect((await call(key, undefined, 'up/free')).status).toBe(200)
    await set('changing', { ...rule, limit_usd: '0.02' })
    await expect.poll(async () => (await call(key)).status, { timeout: 5_000, interval: 50 }).toBe(200)
    await nothingHeld()
    expect(await show('changing')).toMatchObject({ accounts: [{ spent_usd: '0.02', remaining_usd: '0' }] })
    expect((await house.request('/admin/v1/budgets/changing', { method: 'DELETE' })).status).toBe(200)
    expect((await call(key)).status).toBe(200)
    // Set again it goes on where it was: what was spent stays spent.
    await set('changing', { ...rule, limit_usd: '0.02' })
    await expect.poll(async () => (await call(key)).status, { timeout: 5_000, interval: 50 }).toBe(429)
    const audit = (await (await house.request('/admin/v1/audit?limit=100')).json()) as {
      data: { action: string; resource: string }[]
    }
    const actions = audit.data.filter(({ resource }) => resource === 'budget/changing').map(({ action }) => action)
    expect(actions).toEqual(['budget.created', 'budget.deleted', 'budget.updated', 'budget.created'])
    await nothingHeld()
  }, 60_000)

  it('of the configuration holds, and changes only there', async () => {
    const key = await makeProject('filed')
    expect(await race(10, () => call(key))).toEqual({ admitted: 3, by: ['of-file'] })
    expect(await show('of-file')).toMatchObject({ source: 'configuration' })
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PUT', { level: 'project', limit_usd: '9', window: 'total' }],
    ] as const) {
      const answer = await house.request('/admin/v1/budgets/of-file', { method, ...(body && { body }) })
      expect(answer.status).toBe(400)
    }
    await nothingHeld()
  }, 60_000)
})
