import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

let issuer: Issuer
let house: House

beforeAll(async () => {
  issuer = await startIssuer()
  house = await startHouse()
  for (const id of ['one', 'two']) await house.request('/admin/v1/projects', { body: { id, name: id } })
})
afterAll(async () => {
  await house.stop()
  await issuer.close()
})

const put = (project: string, name: string, body: object) =>
  house.request(`/admin/v1/projects/${project}/issuers/${name}`, { method: 'PUT', body })
const models = (token: string, key?: string) =>
  fetch(`${house.url}/v1/models`, {
    headers: { authorization: `Bearer ${token}`, ...(key !== undefined && { 'x-api-key': key }) },
  })
const ours = () => ({ issuer: issuer.url, audiences: ['shop-web'] })

it('an operator makes a project trust an issuer, changes how, and ends it; all of it audited', async () => {
  const token = await issuer.sign({ sub: 'ada' })
  await expectFetchedError(await models(token), 'user_token_issuer_unknown')
  const made = await put('one', 'login', { ...ours(), jwks_url: `${issuer.url}/keys` })
  expect(await made.json()).toMatchObject({ object: 'issuer', name: 'login', project: 'one', source: 'operator' })
  expect((await models(token)).status).toBe(200)
  await put('one', 'login', { ...ours(), audiences: ['another'] })
  await expectFetchedError(await models(token), 'user_token_audience_wrong')
  const list = (await (await house.request('/admin/v1/projects/one/issuers')).json()) as { data: unknown[] }
  expect(list.data).toHaveLength(1)
  expect((await house.request('/admin/v1/projects/one/issuers/login', { method: 'DELETE' })).status).toBe(200)
  await expectFetchedError(await models(token), 'user_token_issuer_unknown')
  const audit = (await (await house.request('/admin/v1/audit?project=one')).json()) as {
    data: { action: string; before: unknown; after: unknown }[]
  }
  expect(audit.data.map(({ action }) => action).slice(0, 3)).toEqual([
    'issuer.deleted',
    'issuer.updated',
    'issuer.created',
  ])
  expect(audit.data[1]).toMatchObject({ before: ours(), after: { audiences: ['another'] } })
})

it('a token that two projects trust needs a key beside it, and belongs to the project of that key', async () => {
  const token = await issuer.sign({ sub: 'ada' })
  for (const project of ['one', 'two']) expect((await put(project, 'login', ours())).status).toBe(200)
  const { key } = await house.makeKey({ project: 'two' })
  const elsewhere = await house.makeKey({ project: 'default' })
  expect((await models(token, key)).status).toBe(200)
  await expectFetchedError(await models(token), 'user_token_ambiguous')
  await expectFetchedError(await models(token, elsewhere.key), 'user_token_issuer_unknown')
})

it.each([
  [{ issuer: 'x', audiences: ['a'] }, 'jwks_url'],
  [{ issuer: 'x', audiences: ['a'], jwks_url: 'http://login.example.org/keys' }, 'jwks_url'],
  [{ issuer: 'https://x.example', audiences: [] }, 'audiences'],
  [{ issuer: 'https://x.example', audiences: ['a'], algorithms: ['HS256'] }, 'algorithms.0'],
  [{ issuer: 'https://x.example', audiences: ['a'], clock_skew_seconds: 61 }, 'clock_skew_seconds'],
  [{ issuer: 'https://x.example', audiences: ['a'], tier: 'no-such' }, 'tier'],
])('a faulty issuer is refused: %j', async (body, place) => {
  const answer = await put('one', 'bad', body)
  const { error } = (await answer.clone().json()) as { error: { param: string } }
  await expectFetchedError(answer, 'invalid_parameter')
  expect(error.param).toBe(place)
})

it('a project that does not exist has no issuers', async () => {
  await expectFetchedError(await put('none', 'login', ours()), 'resource_not_found')
  await expectFetchedError(await house.request('/admin/v1/projects/none/issuers'), 'resource_not_found')
})
