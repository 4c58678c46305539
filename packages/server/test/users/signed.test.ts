import { createHmac } from 'node:crypto'
import type { UsageRow } from '@headgate/contract/usage.ts'
import type { UserSecretList } from '@headgate/contract/user-secrets.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'

const page = 'https://app.example.org'
let ahead = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead }
let house: House
let key: string
let publishable: string

beforeAll(async () => {
  house = await startHouse({
    overrides: { clock },
    files: { 'headgate.yaml': 'user_signatures: {window_seconds: 60}' },
  })
  await house.request('/admin/v1/projects', { body: { id: 'another', name: 'Another' } })
  key = (await house.makeKey()).key
  publishable = (await house.makeKey({ kind: 'publishable', origins: [page], tier: 'internal' })).key
})
afterAll(() => house.stop())

const secretOf = async (project: string, body: object = {}) => {
  const answer = await house.request(`/admin/v1/projects/${project}/user-secret`, { body })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { secret: string; former_ends_at: string | null }
}
const sign = (secret: string, user: string, seconds = Math.floor(clock.now() / 1_000)) => ({
  // Header values are bytes: UTF-8 is sent as such.
  'x-headgate-user': Buffer.from(user).toString('latin1'),
  'x-headgate-user-signature': `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${user}`).digest('hex')}`,
})
const call = (headers: Record<string, string>, credential = key) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json', origin: page, ...headers },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }], user: 'mallory' }),
  })
const users = async () => {
  await house.settled()
  const list = await house.request('/v1/usage?scope=project', { key })
  return ((await list.json()) as { data: UsageRow[] }).data.map(({ user }) => user)
}

it('a user cannot be signed before the project has a secret', async () => {
  await expectFetchedError(await call(sign('hg_us_guess', 'ada')), 'user_secret_missing')
})

describe('a signed user', () => {
  it('is the user of the ledger, with a secret key or a publishable one', async () => {
    const { secret } = await secretOf('default')
    expect((await call(sign(secret, 'ada'))).status).toBe(200)
    expect((await call(sign(secret, 'Zoë'), publishable)).status).toBe(200)
    expect(await users()).toEqual(['Zoë', 'ada'])
  })

  it('is not needed with a secret key: what a backend says without signing holds as before', async () => {
    expect((await call({ 'x-headgate-user': 'plain' })).status).toBe(200)
    expect((await users())[0]).toBe('plain')
  })

  it('holds within the window, before and after now, and not beyond', async () => {
    const { secret } = await secretOf('default')
    const signed = sign(secret, 'ada')
    for (const turn of [0, 50_000, -50_000]) {
      ahead = turn
      expect((await call(signed)).status, String(turn)).toBe(200)
    }
    ahead = 62_000
    await expectFetchedError(await call(signed), 'user_signature_expired')
    ahead = 0
    for (const seconds of [-62, 64]) {
      const other = sign(secret, 'eve', Math.floor(clock.now() / 1_000) + seconds)
      await expectFetchedError(await call(other), 'user_signature_expired')
    }
  })

  it('is refused when user, time, form, secret or project are others', async () => {
    const { secret } = await secretOf('default')
    const { secret: foreign } = await secretOf('another')
    const signed = sign(secret, 'ada')
    const { 'x-headgate-user-signature': signature } = signed
    const bad = [
      { ...signed, 'x-headgate-user': 'eve' },
      { ...signed, 'x-headgate-user-signature': signature.replace(/t=(\d+)/, (_, at) => `t=${Number(at) + 1}`) },
      { ...signed, 'x-headgate-user-signature': signature.toUpperCase() },
      { ...signed, 'x-headgate-user-signature': 'x' },
      { 'x-headgate-user-signature': signature },
      sign(foreign, 'ada'),
      sign(`${secret}x`, 'ada'),
    ]
    for (const headers of bad) await expectFetchedError(await call(headers), 'user_signature_invalid')
  })
})

describe('a secret', () => {
  it('is replaced with an overlap, and ended at once; all of it audited', async () => {
    const first = await secretOf('default', { overlap_seconds: 0 })
    const second = await secretOf('default', { overlap_seconds: 3_600 })
    expect(second.former_ends_at).not.toBeNull()
    for (const { secret } of [first, second]) expect((await call(sign(secret, 'ada'))).status).toBe(200)
    const listed = await (await house.request('/admin/v1/projects/default/user-secret')).text()
    for (const { secret } of [first, second]) expect(listed).not.toContain(secret)
    const { data: secrets } = JSON.parse(listed) as UserSecretList
    expect(secrets.map(({ ends_at: end, signs }) => [end, signs])).toEqual([
      [null, true],
      [second.former_ends_at, true],
    ])
    const third = await secretOf('default', { overlap_seconds: 0 })
    await expectFetchedError(await call(sign(second.secret, 'bob')), 'user_signature_invalid')
    await expectFetchedError(await call(sign(first.secret, 'bob')), 'user_signature_invalid')
    expect((await call(sign(third.secret, 'bob'))).status).toBe(200)
    expect((await house.request('/admin/v1/projects/default/user-secret', { method: 'DELETE' })).status).toBe(200)
    await expectFetchedError(await call(sign(third.secret, 'bob')), 'user_secret_missing')
    const audit = await house.request('/admin/v1/audit?project=default&limit=4')
    const text = await audit.text()
    for (const { secret } of [first, second, third]) expect(text).not.toContain(secret)
    const { data } = JSON.parse(text) as { data: { action: string }[] }
    expect(data.slice(0, 3).map(({ action }) => action)).toEqual([
      'user_secret.deleted',
      'user_secret.rotated',
      'user_secret.rotated',
    ])
  })

  it('is of a project that exists', async () => {
    await expectFetchedError(
      await house.request('/admin/v1/projects/none/user-secret', { body: {} }),
      'resource_not_found',
    )
    await expectFetchedError(await house.request('/admin/v1/projects/none/user-secret'), 'resource_not_found')
    const none = await house.request('/admin/v1/projects/default/user-secret', { method: 'DELETE' })
    await expectFetchedError(none, 'resource_not_found')
  })
})
