import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BudgetRule, BudgetStanding } from '@headgate/contract/budgets.ts'
import type { Explanation } from '@headgate/contract/limits.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from './support/house.ts'
import { type Issuer, startIssuer } from './support/issuer.ts'

/** Each call costs 0.01 USD, neither more nor less. */
const price = { input: '0', output: '0', per_request: '0.01' }
const model = 'up/gpt-4o-mini'

let house: House
let issuer: Issuer
let web: { id: string; key: string }
let other: { id: string; key: string }
const person = async (name: string) => ({
  authorization: `Bearer ${await issuer.sign({ sub: name })}`,
})

const fine = async (answer: Promise<Response>) => expect((await answer).status).toBe(200)

beforeAll(async () => {
  issuer = await startIssuer()
  house = await startHouse({
    config: {
      models: { [model]: { price } },
      issuers: { login: { project: 'web', issuer: issuer.url, audiences: ['shop-web'], tier: 'internal' } },
    },
  })
  for (const id of ['web', 'other']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  web = await house.makeKey({ project: 'web', budget: { limit_usd: '5', window: 'month' } })
  other = await house.makeKey({ project: 'other' })
  const rules: Record<string, BudgetRule> = {
    'all-projects': { level: 'project', limit_usd: '9', window: 'day' },
    'each-user': { level: 'user', limit_usd: '0.03', window: 'day', rolling: true },
    'of-ann': { level: 'key', limit_usd: '2', window: 'total', project: 'web', user: 'ann' },
    'of-model': { level: 'model', limit_usd: '3', window: 'day', project: 'web' },
    'shared-model': { level: 'model', limit_usd: '7', window: 'day', model },
    'soft-other': { level: 'project', limit_usd: '0.005', window: 'day', project: 'other', mode: 'soft' },
  }
  for (const [name, rule] of Object.entries(rules))
    await fine(house.request(`/admin/v1/budgets/${name}`, { method: 'PUT', body: rule }))
  const call = (headers: Record<string, string>) =>
    fetch(`${house.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    })
  const secret = { authorization: `Bearer ${web.key}` }
  for (const headers of [
    { ...secret, 'x-headgate-user': 'ann' },
    { ...secret, 'x-headgate-user': 'ann' },
    { ...secret, 'x-headgate-user': 'ben' },
    { authorization: `Bearer ${other.key}` },
    await person('ann'),
  ])
    await fine(call(headers))
  await house.settled()
})
afterAll(async () => {
  await house.stop()
  await issuer.close()
})

const left = async (headers: Record<string, string>): Promise<BudgetStanding[]> => {
  const answer = await fetch(`${house.url}/v1/usage`, { headers })
  return ((await answer.json()) as { budgets: BudgetStanding[] }).budgets
}
const explain = async (input: Record<string, unknown>) =>
  (await (await house.request('/admin/v1/limits/explain', { body: { model, ...input } })).json()) as Explanation
const brief = (all: readonly BudgetStanding[]) =>
  Object.fromEntries(all.map(({ name, subject, spent_usd: spent }) => [`${name ?? 'own'} ${subject}`, spent]))

it('a secret key sees what is left of its own, its project’s and its user’s budgets, and no figure of other projects', async () => {
  const authorization = `Bearer ${web.key}`
  const named = await left({ authorization, 'x-headgate-user': 'ann' })
  expect(brief(named)).toEqual({
    [`own ${web.id}`]: '0.03',
    'all-projects web': '0.04',
    'each-user ann': '0.03',
    [`of-ann ${web.id}`]: '0.02',
    [`of-model ${model}`]: '0.04',
    [`shared-model ${model}`]: null,
  })
  const user = named.find(({ name }) => name === 'each-user')
  expect(user).toMatchObject({ remaining_usd: '0', exhausted: true, rolling: true, window: 'day', mode: 'hard' })
  expect(Date.parse(String(user?.resets_at))).toBeGreaterThan(Date.now() + 86_400_000)
  expect(named.find(({ name }) => name === 'shared-model')).toMatchObject({
    project: null,
    limit_usd: null,
    remaining_usd: null,
    exhausted: false,
  })
  expect(Object.keys(brief(await left({ authorization })))).not.toContain('each-user ann')
  expect(brief(await left({ authorization: `Bearer ${other.key}` }))).toEqual({
    'all-projects other': '0.01',
    [`shared-model ${model}`]: null,
    'soft-other other': '0.01',
  })
})

it('a person sees their own budgets alone, also one that no call has met', async () => {
  expect(brief(await left(await person('ann')))).toMatchObject({ 'each-user ann': '0.03' })
  expect(new Set((await left(await person('ann'))).map(({ name }) => name))).toEqual(new Set(['each-user', 'of-ann']))
  expect(await left(await person('carl'))).toMatchObject([
    { name: 'each-user', subject: 'carl', spent_usd: '0', remaining_usd: '0.03', resets_at: null },
  ])
})

it('the explanation names the budget that decides, why, and what the others have left', async () => {
  const fits = await explain({ key_id: web.id })
  expect(fits).toMatchObject({ allowed: true, refusal: null, worst_case_usd: '0.01' })
  expect(fits.budget_decides).toEqual({ name: 'of-model', level: 'model', reason: 'it has the least left of 4' })
  expect(fits.budgets.map(({ name, verdict }) => [name, verdict])).toEqual(
    [null, 'all-projects', 'of-model', 'shared-model'].map((name) => [name, 'fits']),
  )
  expect(fits.budgets_not_applied).toEqual([
    { name: 'each-user', reason: 'no user is named' },
    { name: 'of-ann', reason: 'it is for the user ann' },
    { name: 'soft-other', reason: 'it is for the project other' },
  ])
  const refused = await explain({ key_id: web.id, user: 'ann' })
  expect(refused).toMatchObject({
    allowed: false,
    refusal: 'budget_exceeded',
    budget_decides: { name: 'each-user', reason: '0.03 of 0.03 USD is spent, and the call may cost 0.01 USD' },
  })
  const soft = await explain({ key_id: other.id })
  expect(soft).toMatchObject({ allowed: true, refusal: null })
  expect(soft.budgets.find(({ name }) => name === 'soft-other')).toMatchObject({ verdict: 'flags', spent_usd: '0.01' })
  expect(await explain({ key_id: web.id, model: 'up/gpt-unheard-of' })).toMatchObject({
    allowed: false,
    refusal: 'price_unknown',
    worst_case_usd: null,
  })
})

it('the command line asks the running server, and its exit status says whether the call is allowed', async () => {
  const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const environment = { PATH: process.env['PATH'], HEADGATE_PROFILE: 'testing', HEADGATE_ADMIN_KEY: adminKey }
  const run = (...words: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      const line = [cli, 'limits', 'explain', '--key', web.id, '--model', model, '--url', house.url, ...words]
      execFile(process.execPath, line, { cwd: house.dataDirectory, env: environment, timeout: 60_000 }, (error, out) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out }),
      )
    })
  const [allowed, refused] = await Promise.all([run('--json'), run('--user', 'ann')])
  expect([allowed.code, JSON.parse(allowed.out)]).toMatchObject([0, { allowed: true, worst_case_usd: '0.01' }])
  expect(refused.code).toBe(1)
  expect(refused.out).toContain('allowed\tno, budget_exceeded')
  expect(refused.out).toContain('each-user\tuser\tann\thard\trefuses\t0.03\t0.03\t0\t0\t')
}, 60_000)
