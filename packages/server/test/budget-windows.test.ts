import type { Budget, BudgetRule } from '@headgate/contract/budgets.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Clock, systemClock } from '../src/kernel/clock.ts'
import { type House, startHouse } from './support/house.ts'

/** Each call costs 0.01 USD. */
const model = 'up/gpt-4o-mini;delay=1'
const price = { input: '0', output: '0', per_request: '0.01' }

let now = Date.UTC(2031, 0, 1, 10, 59, 30)
/** The wall time stands until a test turns it. */
const clock: Clock = { ...systemClock, now: () => now }
let house: House

beforeAll(async () => {
  house = await startHouse({ overrides: { clock }, config: { models: { [model]: { price } } } })
})
afterAll(() => house.stop())

const set = async (name: string, rule: BudgetRule) => {
  const answer = await house.request(`/admin/v1/budgets/${name}`, { method: 'PUT', body: rule })
  expect(answer.status, await answer.clone().text()).toBe(200)
}
const show = async (name: string) => (await (await house.request(`/admin/v1/budgets/${name}`)).json()) as Budget
const projectKey = async (id: string) => {
  await house.request('/admin/v1/projects', { body: { id, name: id } })
  return (await house.makeKey({ project: id })).key
}
const call = async (key: string) => {
  const answer = await house.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content: 'hour' }] },
  })
  await answer.text()
  await house.settled()
  return answer
}
/** How many calls are admitted before one is refused; a refusal is remembered for a moment, so that one is waited out. */
const admitted = async (key: string) => {
  let count = 0
  for (let refusals = 0; refusals < 2; ) {
    const { status } = await call(key)
    if (status === 200) count++
    else {
      refusals++
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  return count
}

it('a rolling window gives money back when it is as old as the window, whatever the calendar says', async () => {
  const key = await projectKey('rolling')
  const rule: BudgetRule = { level: 'project', limit_usd: '0.03', window: 'hour', rolling: true, project: 'rolling' }
  await set('rolling', rule)
  expect((await call(key)).status).toBe(200)
  expect((await call(key)).status).toBe(200)
  now = Date.UTC(2031, 0, 1, 11, 0, 10)
  expect(await admitted(key)).toBe(1)
  const [account] = (await show('rolling')).accounts
  expect(account).toMatchObject({ spent_usd: '0.03', remaining_usd: '0', resets_at: '2031-01-01T12:00:00.000Z' })
  now = Date.UTC(2031, 0, 1, 11, 59, 59)
  expect(await admitted(key)).toBe(0)
  now = Date.UTC(2031, 0, 1, 12, 0, 0)
  expect(await admitted(key)).toBe(2)
  expect((await show('rolling')).accounts[0]?.resets_at).toBe('2031-01-01T12:01:00.000Z')
})

it('a calendar window is full again at its turn', async () => {
  const key = await projectKey('calendar')
  await set('calendar', { level: 'project', limit_usd: '0.02', window: 'day', project: 'calendar' })
  now = Date.UTC(2031, 0, 1, 23, 59, 0)
  expect(await admitted(key)).toBe(2)
  expect((await show('calendar')).accounts[0]?.resets_at).toBe('2031-01-02T00:00:00.000Z')
  now = Date.UTC(2031, 0, 2, 0, 0, 0)
  expect(await admitted(key)).toBe(2)
})

it('a soft budget refuses nobody, flags what goes beyond it, and counts on', async () => {
  const key = await projectKey('soft')
  await set('soft', { level: 'project', limit_usd: '0.01', window: 'month', mode: 'soft', project: 'soft' })
  const first = await call(key)
  expect([first.status, first.headers.get('x-headgate-warning')]).toEqual([200, null])
  for (let beyond = 0; beyond < 2; beyond++) {
    const next = await call(key)
    expect(next.status).toBe(200)
    expect(next.headers.get('x-headgate-warning')).toBe('the budget soft (per project) is exceeded')
  }
  expect((await show('soft')).accounts).toMatchObject([{ spent_usd: '0.03', remaining_usd: '0' }])
  const metrics = await (await house.request('/metrics')).text()
  expect(metrics).toContain('headgate_budget_overruns_total{budget="soft"} 2')
})

const thresholds = async (name: string) =>
  (await show(name)).alerts
    .map(({ threshold, subject, spent_usd: spent }) => `${threshold} ${subject} ${spent}`)
    .sort((one, other) => (one < other ? -1 : 1))

it('thresholds and the forecast of a window are told once each, and anew in the next window', async () => {
  const key = await projectKey('alerted')
  await set('alerted', { level: 'project', limit_usd: '0.10', window: 'day', project: 'alerted' })
  now = Date.UTC(2031, 0, 3, 12, 0, 0)
  for (let calls = 0; calls < 5; calls++) await call(key)
  await expect.poll(() => thresholds('alerted'), { timeout: 10_000, interval: 100 }).toEqual(['50 alerted 0.05'])
  // Half of the day is over: 0.06 are on their way to 0.12.
  await call(key)
  const seen = ['50 alerted 0.05', 'forecast alerted 0.06']
  await expect.poll(() => thresholds('alerted'), { timeout: 10_000, interval: 100 }).toEqual(seen)
  for (let calls = 0; calls < 4; calls++) await call(key)
  const all = ['100 alerted 0.1', ...seen]
  await expect
    .poll(async () => (await thresholds('alerted')).filter((one) => !one.startsWith('80')), { timeout: 10_000 })
    .toEqual(all)
  expect((await show('alerted')).alerts).toHaveLength(4)
  expect((await show('alerted')).alerts.find(({ threshold }) => threshold === 'forecast')).toMatchObject({
    project: 'alerted',
    window_start: '2031-01-03T00:00:00.000Z',
    limit_usd: '0.1',
    forecast_usd: '0.12',
  })
  now = Date.UTC(2031, 0, 4, 23, 0, 0)
  for (let calls = 0; calls < 5; calls++) await call(key)
  await expect.poll(async () => (await show('alerted')).alerts.length, { timeout: 10_000, interval: 100 }).toBe(5)
  const metrics = await (await house.request('/metrics')).text()
  expect(metrics).toContain('headgate_budget_alerts_total{budget="alerted",threshold="50"} 2')
  expect(metrics).toContain('headgate_budget_alerts_total{budget="alerted",threshold="forecast"} 1')
}, 60_000)

it('a rolling window of everything is refused', async () => {
  const body = { level: 'project', limit_usd: '1', window: 'total', rolling: true }
  const answer = await house.request('/admin/v1/budgets/wrong', { method: 'PUT', body })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('has no meaning for window total')
})
