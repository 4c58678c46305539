import { createHmac } from 'node:crypto'
import type { UsageRow, UsageTotals } from '@headgate/contract/usage.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

const page = 'https://app.example.org'
type Headers = Record<string, string>
let issuer: Issuer
let house: House
let secret: string
/** How each person proves who they are, by user id; two of them by a token. */
const people = new Map<string, Headers>()
let plain: Headers

const post = (path: string, headers: Headers, body: object) =>
  fetch(house.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
const call = (headers: Headers, user?: string) =>
  post('/v1/chat/completions', headers, {
    model: 'demo',
    messages: [{ role: 'user', content: 'Hello' }],
    ...(user !== undefined && { user }),
  })
const usage = async (headers: Headers, query = '') =>
  (await (await fetch(`${house.url}/v1/usage${query}`, { headers })).json()) as {
    data: UsageRow[]
    totals: UsageTotals
    budget: unknown
  }

beforeAll(async () => {
  issuer = await startIssuer()
  house = await startHouse({
    config: {
      issuers: { login: { project: 'default', issuer: issuer.url, audiences: ['shop-web'], tier: 'internal' } },
    },
  })
  const budget = { limit_usd: '5', window: 'month' }
  const browser = { kind: 'publishable', origins: [page], tier: 'internal', budget }
  const publishable = (await house.makeKey(browser)).key
  secret = (await house.makeKey({ budget })).key
  plain = { authorization: `Bearer ${publishable}`, origin: page }
  const beside = { 'x-api-key': publishable, origin: page }
  people.set('ada', { authorization: `Bearer ${await issuer.sign({ sub: 'ada' })}`, ...beside })
  people.set('alone', { authorization: `Bearer ${await issuer.sign({ sub: 'alone' })}` })
  const device = (await (await post('/v1/devices', plain, {})).json()) as { id: string; token: string }
  people.set(device.id, { authorization: `Bearer ${device.token}`, ...beside })
  const made = await house.request('/admin/v1/projects/default/user-secret', { body: {} })
  const signedUnder = ((await made.json()) as { secret: string }).secret
  const seconds = Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', signedUnder).update(`${seconds}.signed`).digest('hex')
  people.set('signed', {
    authorization: `Bearer ${secret}`,
    'x-headgate-user': 'signed',
    'x-headgate-user-signature': `t=${seconds},v1=${signature}`,
  })
  for (const headers of people.values()) await (await call(headers)).text()
  await (await call(plain, 'ada')).text()
  await (await call({ authorization: `Bearer ${secret}` }, 'named')).text()
  await house.settled()
})
afterAll(async () => {
  await house.stop()
  await issuer.close()
})

it('a person reads their own usage and nobody else’s, also of the whole project', async () => {
  for (const [user, headers] of people) {
    for (const query of ['', '?scope=project']) {
      const { data, totals, budget } = await usage(headers, query)
      expect(data.map((row) => row.user)).toEqual([user])
      expect(totals.requests).toBe(1)
      expect(budget).toBeNull()
    }
  }
})

it('a secret key reads all of them, a publishable key alone none', async () => {
  const { data, budget } = await usage({ authorization: `Bearer ${secret}` }, '?scope=project')
  expect(new Set(data.map(({ user }) => user))).toEqual(new Set([...people.keys(), 'named', null]))
  expect(budget).not.toBeNull()
  await expectFetchedError(await fetch(`${house.url}/v1/usage`, { headers: plain }), 'secret_key_required')
})

it('one call is shown to the person who made it', async () => {
  const { data } = await usage({ authorization: `Bearer ${secret}` }, '?scope=project')
  for (const [user, headers] of [...people, [null, plain] as const]) {
    for (const row of data) {
      const answer = await fetch(`${house.url}/v1/usage/${row.id}`, { headers })
      if (row.user === user) expect(answer.status, `${user}`).toBe(200)
      else await expectFetchedError(answer, 'resource_not_found')
    }
  }
})

it('an operator reads the sum of each', async () => {
  const report = await house.request('/admin/v1/usage?group_by=user')
  const { data } = (await report.json()) as { data: { group: string | null; requests: number }[] }
  for (const user of people.keys()) expect(data.find(({ group }) => group === user)?.requests).toBe(1)
})

it('a limit of the user holds for each of them alone, however they prove who they are', async () => {
  const policy = { unit: 'requests', limit: 2, window_seconds: 60, per: ['user'] }
  await house.request('/admin/v1/limits/policies/few', { method: 'PUT', body: policy })
  for (const headers of people.values()) {
    for (let count = 0; count < 2; count++) expect((await call(headers)).status).toBe(200)
    const refused = await call(headers, 'somebody-else')
    const body = (await refused.clone().json()) as { 'violated-policies': string[] }
    expect(body['violated-policies']).toEqual(['few'])
    await expectFetchedError(refused, 'rate_limit_exceeded')
  }
})
