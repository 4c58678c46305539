import { hash } from 'node:crypto'
import type { UsageRow } from '@headgate/contract/usage.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'

const page = 'https://app.example.org'
const DAY_MS = 86_400_000
const bits = 8
let ahead = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
let house: House
let publishable: string
let another: string
let secret: string

beforeAll(async () => {
  house = await startHouse({
    overrides: { clock },
    files: { 'headgate.yaml': `devices: {proof_bits: ${bits}, per_ip: {rate_per_minute: 1, burst: 6}}` },
    config: {
      tiers: { tight: { requests: { rate_per_minute: 1, burst: 2 } } },
      trusted_proxies: '127.0.0.1',
    },
  })
  await house.request('/admin/v1/projects', { body: { id: 'another', name: 'Another' } })
  const browser = { kind: 'publishable', origins: [page], tier: 'tight' }
  publishable = (await house.makeKey(browser)).key
  another = (await house.makeKey({ ...browser, project: 'another' })).key
  secret = (await house.makeKey()).key
})
afterAll(() => house.stop())

interface Ask {
  readonly key?: string
  readonly origin?: string
  readonly from?: string
}
const mint = (body: object, { key = publishable, origin = page, from = '192.0.2.1' }: Ask = {}) =>
  fetch(`${house.url}/v1/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', origin, 'x-forwarded-for': from },
    body: JSON.stringify(body),
  })
const proveFor = async (answer: Response) => {
  const { error } = (await answer.json()) as { error: { params: { challenge: string; difficulty: number } } }
  const { challenge, difficulty } = error.params
  expect(difficulty).toBe(bits)
  for (let nonce = 0; ; nonce++)
    if (hash('sha256', `${challenge}:${nonce}`, 'buffer')[0] === 0) return { challenge, nonce: String(nonce) }
}
const device = async (ask: Ask = {}) => {
  const answer = await mint({ proof: await proveFor(await mint({}, ask)) }, ask)
  expect(answer.status, await answer.clone().text()).toBe(201)
  return (await answer.json()) as { id: string; token: string; expires_at: string }
}
const call = (token: string, headers: Record<string, string> = {}) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-api-key': publishable,
      origin: page,
      ...headers,
    },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
  })

it('a device calls by its token, is the user of the ledger, and has limits of its own', async () => {
  const [one, two] = [await device(), await device()]
  expect(one.id).toMatch(/^dev_[0-9A-Z]{26}$/)
  for (const { token } of [one, two])
    for (let count = 0; count < 2; count++) expect((await call(token)).status).toBe(200)
  const refused = await call(one.token)
  const body = (await refused.clone().json()) as { 'violated-policies': string[] }
  expect(body['violated-policies']).toEqual(['user'])
  await expectFetchedError(refused, 'rate_limit_exceeded')
  await house.settled()
  const list = await house.request('/v1/usage?scope=project', { key: secret })
  const { data } = (await list.json()) as { data: UsageRow[] }
  for (const { id } of [one, two]) expect(data.filter(({ user }) => user === id)).toHaveLength(2)
})

describe('a token', () => {
  it('is renewed for the same device, without a proof, and ends', async () => {
    const { id, token, expires_at } = await device()
    ahead += DAY_MS
    const renewed = (await (await mint({ token })).json()) as { id: string; token: string; expires_at: string }
    expect(renewed.id).toBe(id)
    expect(Date.parse(renewed.expires_at) - Date.parse(expires_at)).toBeGreaterThanOrEqual(DAY_MS - 2_000)
    ahead += 30 * DAY_MS - 60_000
    await expectFetchedError(await call(token), 'device_token_expired')
    await expectFetchedError(await mint({ token }), 'device_token_expired')
    expect((await call(renewed.token)).status).toBe(200)
    ahead += DAY_MS
    await expectFetchedError(await call(renewed.token), 'device_token_expired')
  })

  it('holds with a key of its project alone, unchanged, from a page of the key', async () => {
    const { token } = await device({ from: '192.0.2.2' })
    await expectFetchedError(await call(token, { 'x-api-key': another }), 'device_token_invalid')
    await expectFetchedError(await call(token, { 'x-api-key': '' }), 'api_key_missing')
    await expectFetchedError(await call(token, { origin: 'https://evil.example' }), 'origin_not_allowed')
    const other = (text: string) => `${text.slice(0, -5)}${text.at(-5) === 'A' ? 'B' : 'A'}${text.slice(-4)}`
    for (const forged of [other(token), token.replace('dev_0', 'dev_1'), `${token}A`, 'hg_dt_', 'hg_dt_dev__0_'])
      await expectFetchedError(await call(forged), 'device_token_invalid')
  })
})

describe('a new device', () => {
  it('is made for a publishable key from one of its origins', async () => {
    await expectFetchedError(await mint({}, { key: secret }), 'publishable_key_required')
    await expectFetchedError(await mint({}, { origin: 'https://evil.example' }), 'origin_not_allowed')
  })

  it('proves its work: with a challenge of ours, in time, once', async () => {
    const from = '192.0.2.3'
    await expectFetchedError(await mint({}, { from }), 'device_proof_required')
    const proof = await proveFor(await mint({}, { from }))
    const bad = [
      { ...proof, challenge: proof.challenge.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) },
      { challenge: 'x', nonce: '1' },
    ]
    for (const wrong of bad) await expectFetchedError(await mint({ proof: wrong }, { from }), 'device_proof_invalid')
    await expectFetchedError(await mint({ proof }, { from, key: another }), 'device_proof_invalid')
    expect((await mint({ proof }, { from })).status).toBe(201)
    await expectFetchedError(await mint({ proof }, { from }), 'device_proof_invalid')
    const late = await proveFor(await mint({}, { from }))
    ahead += 121_000
    await expectFetchedError(await mint({ proof: late }, { from }), 'device_proof_invalid')
  })

  it('is one of few from one address, and of one network of IPv6', async () => {
    const made = { from: '2001:db8:1:2::1' }
    for (let count = 0; count < 6; count++) await device({ from: `2001:db8:1:2::${count}` })
    const proof = await proveFor(await mint({}, made))
    const refused = await mint({ proof }, made)
    expect(((await refused.clone().json()) as { 'violated-policies': string[] })['violated-policies']).toEqual([
      'devices',
    ])
    await expectFetchedError(refused, 'rate_limit_exceeded')
    await device({ from: '192.0.2.9' })
  })
})
