import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, startHouse } from '../../test/support/house.ts'

let house: House
const environment = {
  HEADGATE_CURRENCY_CODE: 'EUR',
  HEADGATE_CURRENCY_RATES: JSON.stringify({ '2020-01-01': '0.5', '2024-01-01': '0.92', '2090-01-01': '3' }),
}
beforeAll(async () => {
  house = await startHouse({
    environment,
    config: {
      models: { 'up/gpt-4o-mini': { price: { input: '0', output: '0', per_request: '0.01' } } },
      budgets: { all: { level: 'project', limit_usd: '9', window: 'total' } },
    },
  })
})
afterAll(() => house.stop())

const euro = { code: 'EUR', rate: '0.92', rate_date: '2024-01-01' }
const read = async (path: string, key?: string) =>
  (await (await house.request(path, key === undefined ? {} : { key })).json()) as Record<string, unknown>

test('amounts are shown beside USD at the rate of now, which is named; what is kept and limited stays in USD', async () => {
  const { id, key } = await house.makeKey({ budget: { limit_usd: '5', window: 'total' } })
  const body = { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }
  const answer = await house.request('/v1/chat/completions', { key, body })
  expect([answer.status, JSON.stringify(await answer.json())]).toEqual([200, expect.not.stringContaining('_display')])
  await house.settled()
  const amounts = { cost_usd: '0.01', cost_display: '0.0092' }
  expect(await read('/v1/usage', key)).toMatchObject({
    currency: euro,
    data: [amounts],
    totals: { ...amounts, adjustments_display: '0' },
    budget: { limit_display: '4.6', spent_display: '0.0092' },
    budgets: [
      { limit_usd: '5', limit_display: '4.6' },
      { limit_display: '8.28', spent_display: '0.0092' },
    ],
  })
  expect(await read('/admin/v1/usage')).toMatchObject({ currency: euro, data: [amounts] })
  const budget = await read('/admin/v1/budgets/all')
  expect(budget).toMatchObject({ currency: euro, accounts: [{ spent_usd: '0.01', spent_display: '0.0092' }] })
  expect(budget['rule']).toEqual({ level: 'project', limit_usd: '9', window: 'total' })
  expect(await read(`/admin/v1/keys/${id}`)).toMatchObject({ currency: euro, budget: { limit_display: '4.6' } })
  expect(await read('/admin/v1/projects')).not.toHaveProperty('currency')

  const described = JSON.stringify(await read('/openapi.json'))
  expect(described).toContain('cost_display')
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const run = async (...words: string[]) => {
    const line = [cli, 'budgets', 'show', 'all', ...words, '--database-url', house.databaseUrl]
    const { stdout } = await promisify(execFile)(process.execPath, [...line, '--data-dir', house.dataDirectory], {
      cwd: house.dataDirectory,
      env: { PATH: process.env['PATH'], HEADGATE_PROFILE: 'testing', ...environment },
    })
    return stdout
  }
  expect(JSON.parse(await run('--json'))).toMatchObject({ currency: euro, accounts: [{ spent_display: '0.0092' }] })
  expect(await run()).toContain('0.01 (0.0092 EUR)')
}, 60_000)
