import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { KeySummary, RegisteredKey } from '@headgate/contract/key-lifecycle.ts'
import type { Page } from '@headgate/contract/keys.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { adminKey, type House, startHouse } from './support/house.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const rootKey = 'Kw3xT9pLs6Vb2QnYd8Hr5Jm4Zc7Gf1Ea'
const signing = 'webhook-signing-key-of-the-test'

let house: House
beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_ROOT_KEY: rootKey, HEADGATE_KEY_ROTATION_PROVIDER_KEY_DAYS: '90' },
    config: {
      receivers: { pager: { kind: 'webhook', url: 'http://127.0.0.1:9/hook', signing_key: signing } },
    },
  })
})
afterAll(() => house.stop())

const json = async <T>(path: string, options?: Parameters<House['request']>[1]): Promise<T> => {
  const answer = await house.request(path, options)
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  return (await answer.json()) as T
}
const register = async (query = ''): Promise<readonly RegisteredKey[]> =>
  (await json<Page<RegisteredKey>>(`/admin/v1/key-lifecycle?limit=100${query}`)).data
const apiKey = async (id: string): Promise<RegisteredKey | undefined> =>
  (await register('&kind=api_key')).find((key) => key.id === id)
const ages = (sql: string): Promise<unknown> => queryDatabase(house.databaseUrl, sql)

const headgate = (...words: string[]): Promise<{ code: number; stdout: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env['PATH'],
      HEADGATE_PROFILE: 'testing',
      HEADGATE_DATABASE_URL: house.databaseUrl,
      HEADGATE_DATA_DIR: house.dataDirectory,
      HEADGATE_ROOT_KEY: rootKey,
    }
    execFile(process.execPath, [cli, ...words], { timeout: 60_000, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout: stdout + stderr }),
    )
  })

it('knows keys of every kind, and shows none of them', async () => {
  const { id, key } = await house.makeKey({ name: 'listed' })
  const secret = await json<{ secret: string }>('/admin/v1/projects/default/user-secret', { body: {} })
  const operator = await json<{ id: string }>('/admin/v1/operators', { body: { name: 'Night shift', role: 'support' } })
  const session = await json<{ token: string }>('/admin/v1/sessions', { body: { operator: operator.id } })
  await json('/admin/v1/providers', {
    body: { name: 'stored', base_url: house.upstream.url, api_key: 'sk-of-the-stored-provider' },
  })
  await json('/admin/v1/audit/keys', { method: 'POST' })
  await json('/admin/v1/provenance/roots', { body: {} })
  const all = await register()
  const of = (kind: string) => all.filter((one) => one.kind === kind)
  expect(new Set(all.map(({ kind }) => kind))).toEqual(
    new Set([
      ...['root_key', 'encryption_key', 'data_key', 'derived_key', 'admin_key', 'operator_session', 'user_secret'],
      ...['pepper', 'provider_key', 'configured_secret', 'audit_key', 'provenance_root', 'api_key'],
    ]),
  )
  expect(of('api_key').find((one) => one.id === id)).toMatchObject({
    label: 'listed',
    owner: 'default',
    state: 'active',
  })
  expect(of('provider_key').map(({ label, note }) => [label, note])).toEqual([
    ['stored', 'of the operators'],
    ['up', 'of the configuration'],
  ])
  expect(of('configured_secret').map(({ label }) => label)).toContain('receivers.pager.signing_key')
  expect(of('operator_session')[0]).toMatchObject({ owner: operator.id, due: 'no' })
  const text = JSON.stringify(all)
  for (const hidden of [
    key,
    secret.secret,
    session.token,
    'sk-of-the-stored',
    'provider-key',
    rootKey,
    signing,
    adminKey,
  ])
    expect(text).not.toContain(hidden)
})

it('gives pages that hold everything once', async () => {
  const whole = await register()
  const found: RegisteredKey[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page: Page<RegisteredKey> = await json(
      `/admin/v1/key-lifecycle?limit=4${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`,
    )
    expect(page.data.length).toBeLessThanOrEqual(4)
    found.push(...page.data)
    after = page.next_cursor
  }
  expect(found.map(({ kind, id }) => `${kind}:${id}`)).toEqual(whole.map(({ kind, id }) => `${kind}:${id}`))
})

it('tells how an API key stands in its life, and what is due', async () => {
  const { id } = await house.makeKey({ name: 'aging' })
  expect(await apiKey(id)).toMatchObject({ state: 'active', due: 'no' })
  await ages(`UPDATE headgate.api_key_secrets SET created_at = now() - interval '355 days' WHERE key_id = '${id}'`)
  expect(await apiKey(id)).toMatchObject({ due: 'soon' })
  await ages(`UPDATE headgate.api_key_secrets SET created_at = now() - interval '366 days' WHERE key_id = '${id}'`)
  expect((await register('&due=overdue')).map((one) => one.id)).toEqual([id])
  await json(`/admin/v1/keys/${id}/rotate`, { body: {} })
  expect(await apiKey(id)).toMatchObject({
    due: 'no',
    note: expect.stringContaining('a former secret is accepted until'),
  })
  const soon = new Date(Date.now() + 3 * 86_400_000).toISOString()
  await json(`/admin/v1/keys/${id}`, { method: 'PATCH', body: { expires_at: soon } })
  expect(await apiKey(id)).toMatchObject({ due: 'soon', expires_at: soon })
  await ages(`UPDATE headgate.api_keys SET expires_at = now() - interval '1 day' WHERE key_id = '${id}'`)
  expect(await apiKey(id)).toMatchObject({ state: 'expired', due: 'no' })
  await json(`/admin/v1/keys/${id}/revoke`, { body: { compromised: true } })
  expect((await register('&kind=api_key&state=revoked')).map((one) => one.id)).toEqual([id])
})

it('counts the days of a configured secret from when it was seen first, and notes when it was used', async () => {
  const { key } = await house.makeKey()
  const upstream = async () => (await register('&kind=provider_key')).find(({ label }) => label === 'up')
  expect(await upstream()).toMatchObject({ due: 'no', last_used_at: null })
  await ages("UPDATE headgate.key_sightings SET first_seen_at = now() - interval '91 days' WHERE label = 'up'")
  expect(await upstream()).toMatchObject({ due: 'overdue', state: 'active' })
  const body = { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }
  expect((await house.request('/v1/chat/completions', { key, body })).status).toBe(200)
  expect(Date.parse((await upstream())?.last_used_at ?? '')).toBeGreaterThan(Date.now() - 2 * 3_600_000)
  const summary = await json<KeySummary>('/admin/v1/key-lifecycle/summary')
  expect(summary.kinds.find(({ kind }) => kind === 'provider_key')).toMatchObject({ overdue: 1, rotation_days: 90 })
  expect(summary.overdue).toBe(1)
  await json('/admin/v1/providers/stored', { method: 'PATCH', body: { enabled: false } })
  expect((await register('&kind=provider_key')).find(({ label }) => label === 'stored')?.state).toBe('suspended')
})

it('is reported at the command line, with an exit status of its own where something is overdue', async () => {
  const { id } = await house.makeKey({ name: 'of long ago' })
  await ages(`UPDATE headgate.api_key_secrets SET created_at = now() - interval '2 years' WHERE key_id = '${id}'`)
  const strict = await headgate('keys', 'report', '--due', 'overdue', '--strict')
  expect(strict.code, strict.stdout).toBe(1)
  expect(strict.stdout.trim().split('\n')).toEqual([
    expect.stringMatching(new RegExp(`^api_key\t${id}\tof long ago\t`)),
  ])
}, 120_000)

it('tells what is due: in metrics, as an alert that ends with it, and by the doctor, which notes nothing', async () => {
  const { id } = await house.makeKey({ name: 'due' })
  const alerts = async () =>
    (await json<{ data: { name: string; summary: string }[] }>('/admin/v1/alerts/evaluate', { method: 'POST' })).data
  await ages(`UPDATE headgate.api_key_secrets SET created_at = now() WHERE created_at < now() - interval '1 day'`)
  await ages('UPDATE headgate.key_sightings SET first_seen_at = now()')
  await json('/admin/v1/key-lifecycle/summary')
  expect((await alerts()).filter(({ name }) => name.startsWith('keys/'))).toEqual([])
  await ages(`UPDATE headgate.api_key_secrets SET created_at = now() - interval '2 years' WHERE key_id = '${id}'`)
  await json('/admin/v1/key-lifecycle/summary')
  expect((await alerts()).find(({ name }) => name === 'keys/overdue')?.summary).toContain('1 api_key')
  const metrics = await (await house.request('/metrics')).text()
  expect(metrics).toContain('headgate_keys_overdue{kind="api_key"} 1')
  expect(metrics).toContain('headgate_keys_overdue{kind="audit_key"} 0')
  const seconds = Number(/headgate_key_next_due_seconds\{kind="api_key"\} (\S+)/.exec(metrics)?.[1])
  expect(seconds).toBeLessThan(-364 * 86_400)
  await ages('DELETE FROM headgate.key_sightings')
  const doctor = await headgate('doctor', '--json')
  expect(doctor.stdout).toContain('1 keys should have been replaced, 0 end or are due soon: api_key.')
  const [noted] = (await ages('SELECT count(*)::int AS count FROM headgate.key_sightings')) as { count: number }[]
  expect(noted?.count).toBe(0)
  await json(`/admin/v1/keys/${id}/revoke`, { body: {} })
  await json('/admin/v1/key-lifecycle/summary')
  expect((await alerts()).filter(({ name }) => name.startsWith('keys/'))).toEqual([])
}, 120_000)
