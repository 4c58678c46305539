import { createHmac } from 'node:crypto'
import type { UsageRow } from '@headgate/contract/usage.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

const page = 'https://app.example.org'
const origin = { origin: page }
/** Longer than the pause between two readings for an unknown key. */
const PAUSE_MS = 31_000

let ahead = 0
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
}
let issuer: Issuer
let other: Issuer
let house: House
let publishable: string
let secret: string

beforeAll(async () => {
  issuer = await startIssuer()
  other = await startIssuer()
  const login = { project: 'default', issuer: issuer.url, audiences: ['shop-web', 'shop-app'], tier_claim: 'plan' }
  house = await startHouse({
    overrides: { clock },
    config: { issuers: { login } },
  })
  publishable = (await house.makeKey({ kind: 'publishable', origins: [page], tier: 'anonymous' })).key
  secret = (await house.makeKey()).key
})
afterAll(async () => {
  await house.stop()
  await issuer.close()
  await other.close()
})

const call = (token: string, headers: Record<string, string> = {}) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
  })
const beside = (token: string) => call(token, { 'x-api-key': publishable, ...origin })
const status = async (answer: Promise<Response>) => {
  const { status: code, body } = await answer
  await body?.cancel()
  return code
}
const seconds = () => Math.floor(clock.now() / 1000)

describe('a person with a token', () => {
  it('calls beside a publishable key or alone, and is the user of the ledger', async () => {
    const token = await issuer.sign({ sub: 'ada' })
    for (const answer of [await beside(token), await call(token), await call(token, { 'x-api-key': secret })])
      expect(answer.status, await answer.text()).toBe(200)
    await house.settled()
    const { data } = (await (await house.request('/v1/usage?scope=project', { key: secret })).json()) as {
      data: UsageRow[]
    }
    expect(data.map(({ user }) => user)).toEqual(['ada', 'ada', 'ada'])
    expect(new Set(data.map(({ key_id }) => key_id))).toContain('iss_login')
  })

  it('is who the token says, whatever the request claims', async () => {
    const token = await issuer.sign({ sub: 'grace' })
    expect(await status(call(token, { 'x-api-key': publishable, 'x-headgate-user': 'ada', ...origin }))).toBe(200)
    const alone = await call(publishable, { 'x-headgate-user': 'ada', ...origin })
    expect(await status(Promise.resolve(alone))).toBe(200)
    await house.settled()
    const { data } = (await (await house.request('/v1/usage?scope=project&limit=2', { key: secret })).json()) as {
      data: UsageRow[]
    }
    expect(data.map(({ user }) => user)).toEqual([null, 'grace'])
  })

  it('has the limits of the tier that the token names, and for itself alone', async () => {
    const free = await beside(await issuer.sign({ sub: 'tim', plan: 'pro' }))
    const same = await beside(await issuer.sign({ sub: 'tim', plan: 'pro', nonce: '2' }))
    const another = await beside(await issuer.sign({ sub: 'tom', plan: 'no-such-tier' }))
    const left = (answer: Response) => Number(answer.headers.get('x-ratelimit-remaining'))
    const policy = (answer: Response) => answer.headers.get('ratelimit-policy') ?? ''
    expect(policy(free)).toContain('"user"')
    expect(left(same)).toBeLessThan(left(free))
    expect(policy(another)).not.toBe(policy(free))
    await Promise.all([free, same, another].map((answer) => answer.text()))
  })

  it('costs one look at its signature and the issuer one reading of its keys, however often it calls', async () => {
    const before = issuer.reads()
    const token = await issuer.sign({ sub: 'often' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => status(beside(token))))
    // The bucket of the tier ends some of them; none is refused for its token.
    expect(answers.every((code) => code === 200 || code === 429)).toBe(true)
    expect(issuer.reads()).toBe(before)
  })
})

describe('refused is', () => {
  const refusals: [name: string, token: () => Promise<string>, code: Parameters<typeof expectFetchedError>[1]][] = [
    ['what is no token', async () => 'eyJhbGciOi.x.y', 'user_token_malformed'],
    ['another issuer', () => other.sign({ sub: 'ada' }), 'user_token_issuer_unknown'],
    ['a forged issuer', () => other.sign({ sub: 'ada', iss: issuer.url }), 'user_token_signature_invalid'],
    ['another audience', () => issuer.sign({ sub: 'ada', aud: 'bank' }), 'user_token_audience_wrong'],
    ['a token that never ends', () => issuer.sign({ sub: 'ada', exp: null }), 'user_token_claim_invalid'],
    ['a token of nobody', () => issuer.sign({}), 'user_token_claim_invalid'],
    ['a person of 300 characters', () => issuer.sign({ sub: 'x'.repeat(300) }), 'user_token_claim_invalid'],
    ['what ended beyond the skew', () => issuer.sign({ sub: 'ada', exp: seconds() - 35 }), 'user_token_expired'],
    ['what begins beyond the skew', () => issuer.sign({ sub: 'ada', nbf: seconds() + 60 }), 'user_token_not_yet_valid'],
  ]
  it.each(refusals)('%s', async (_name, token, code) => {
    await expectFetchedError(await beside(await token()), code)
    await expectFetchedError(await call(await token()), code)
  })

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  it('a token without signature, by another algorithm, or signed with the public key as a secret', async () => {
    const claims = encode({ iss: issuer.url, aud: 'shop-web', sub: 'root', exp: seconds() + 600 })
    for (const alg of ['none', 'None', 'NONE'])
      await expectFetchedError(await call(`${encode({ alg })}.${claims}.`), 'user_token_algorithm_refused')
    const [, ...rest] = (await issuer.sign({ sub: 'ada' })).split('.')
    for (const alg of ['RS512', 'ES256K', 'HS256', 'no-such']) {
      const changed = [encode({ alg, kid: 'key-1' }), ...rest].join('.')
      await expectFetchedError(await call(changed), 'user_token_algorithm_refused')
    }
    const head = encode({ alg: 'HS256', kid: 'key-1' })
    const mac = createHmac('sha256', await issuer.publicPem())
      .update(`${head}.${claims}`)
      .digest('base64url')
    await expectFetchedError(await call(`${head}.${claims}.${mac}`), 'user_token_algorithm_refused')
  })

  it('a good token beside a bad key, or from a page that the key is not bound to', async () => {
    const token = await issuer.sign({ sub: 'ada' })
    await expectFetchedError(await call(token, { 'x-api-key': 'nonsense', ...origin }), 'invalid_api_key')
    const elsewhere = { 'x-api-key': publishable, origin: 'https://evil.example' }
    await expectFetchedError(await call(token, elsewhere), 'origin_not_allowed')
  })

  it('a person on a route for servers', async () => {
    const headers = { authorization: `Bearer ${await issuer.sign({ sub: 'ada' })}` }
    await expectFetchedError(await fetch(`${house.url}/admin/v1/keys`, { headers }), 'invalid_api_key')
  })
})

describe('clocks that differ', () => {
  it('are allowed for within the skew, before and after', async () => {
    expect(await status(call(await issuer.sign({ sub: 'a', exp: seconds() - 15 })))).toBe(200)
    expect(await status(call(await issuer.sign({ sub: 'a', nbf: seconds() + 15 })))).toBe(200)
  })

  it('do not keep a verified token beyond its end', async () => {
    const token = await issuer.sign({ sub: 'a', exp: seconds() + 5 })
    expect(await status(call(token))).toBe(200)
    ahead += 40_000
    await expectFetchedError(await call(token), 'user_token_expired')
  })
})

describe('the keys of an issuer', () => {
  it('are read anew for one that is not known, so that a rotation goes unnoticed', async () => {
    ahead += PAUSE_MS
    const former = await issuer.sign({ sub: 'former' })
    expect(await status(call(former))).toBe(200)
    await issuer.rotate()
    const reads = issuer.reads()
    expect(await status(call(await issuer.sign({ sub: 'next' })))).toBe(200)
    expect(issuer.reads()).toBe(reads + 1)
    // What the former key signed was believed only as long as that key was published.
    await expectFetchedError(await call(former), 'user_token_key_unknown')
  })

  it('are read once for a storm of unknown ones', async () => {
    ahead += PAUSE_MS
    const reads = issuer.reads()
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, index) => issuer.sign({ sub: 'x' }, { kid: `unknown-${index}` })),
    )
    const answers = await Promise.all(tokens.map((token) => call(token)))
    for (const answer of answers) await expectFetchedError(answer, 'user_token_key_unknown')
    await expectFetchedError(await call(tokens[0] as string), 'user_token_key_unknown')
    expect(issuer.reads()).toBe(reads + 1)
  })

  it('are believed for an hour while the issuer is down, and no longer', async () => {
    const MINUTE = 60_000
    // The keys of this process must be confirmed by PostgreSQL again after each turn of the clock.
    const turn = async (minutes: number) => {
      ahead += minutes * MINUTE
      await expect.poll(() => status(call(secret)), { timeout: 20_000 }).toBe(200)
    }
    issuer.setDown(true)
    await turn(30)
    const fresh = () => issuer.sign({ sub: 'patient', nbf: null, exp: seconds() + 60 })
    expect(await status(call(await fresh()))).toBe(200)
    await turn(45)
    const refused = await call(await fresh())
    expect(refused.headers.get('retry-after')).toBeTruthy()
    await expectFetchedError(refused, 'issuer_unavailable')
    issuer.setDown(false)
    ahead += 10_000
    expect(await status(call(await fresh()))).toBe(200)
  })
})
