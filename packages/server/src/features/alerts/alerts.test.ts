import { createHmac } from 'node:crypto'
import type { AlertList, AlertView, ObjectiveList } from '@headgate/contract/alerts.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../../test/support/database.ts'
import { until } from '../../../test/faults/support/load.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { startMailServer } from '../../../test/support/mail-server.ts'
import { type Receiver, startReceiver } from '../../../test/support/receivers.ts'

const signingKey = 'signing-key-0123456789'
const slackPath = '/services/T000/B000/secret-of-slack'

let receiver: Receiver
let mail: Awaited<ReturnType<typeof startMailServer>>
let database: Awaited<ReturnType<typeof freshDatabase>>
let house: House
let replica: House
let key: string

const rule = (above: number) => `{watch: errors_per_minute, above: ${above}, severity: page}`
const configuration = (above: number) => `
objectives:
  providers: {measure: upstream_errors, target_percent: 95}
  quick: {measure: duration, route: /v1/chat/completions, within_ms: 60000, target_percent: 99, window_days: 7}
alerts:
  failing: ${rule(above)}
  busy: {watch: requests_per_minute, above: 100000}
  other-code: {watch: errors_per_minute, above: 0, code: upstream_timeout}
  provider-down: {watch: error_percent, provider: up, above: 10}
receivers:
  hook: {kind: webhook, url: "${receiver.url}/hook?key=secret-of-hook", signing_key: ${signingKey}, severities: [page]}
  chat: {kind: slack, url: "${receiver.url}${slackPath}", severities: [page]}
  post: {kind: email, smtp_url: "${mail.url}", from: headgate@example.org, to: [one@example.org, other@example.org], severities: [page]}
`

beforeAll(async () => {
  receiver = await startReceiver()
  mail = await startMailServer('alerts@example.org', 'pass word/of:mail')
  database = await freshDatabase()
  const files = { 'headgate.yaml': configuration(2) }
  house = await startHouse({ databaseUrl: database.url, files })
  replica = await startHouse({ databaseUrl: database.url, files })
  key = (await house.makeKey()).key
})
afterAll(async () => {
  await replica.stop()
  await house.stop()
  await database.drop()
  await mail.close()
  await receiver.close()
})

const call = async (model: string) => {
  const response = await house.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content: 'Hello' }] },
  })
  await response.text()
  return response.status
}
const read = async <Value>(at: House, path: string, method = 'GET'): Promise<Value> => {
  const response = await at.request(path, { method })
  expect(response.status, path).toBe(200)
  return (await response.json()) as Value
}
const evaluate = (at = house) => read<AlertList>(at, '/admin/v1/alerts/evaluate', 'POST')
const named = ({ data }: AlertList) => data.map(({ name, severity, state }) => `${name} ${severity} ${state}`).sort()
const bodies = (path: string) => receiver.deliveries.filter((one) => one.path.startsWith(path)).map(({ body }) => body)

it('nothing fires where all is well, nor where too little was asked', async () => {
  for (let count = 0; count < 5; count++) expect(await call('up/gpt-4o-mini;status=500')).not.toBe(200)
  expect(named(await evaluate())).toEqual([])
  expect(receiver.deliveries).toEqual([])
})

it('what is broken is told once to each receiver, by whichever replica, and so is its end', async () => {
  for (let count = 0; count < 20; count++) expect(await call('up/gpt-4o-mini')).toBe(200)
  for (let count = 0; count < 10; count++) await call('up/gpt-4o-mini;status=500')
  await Promise.all([evaluate(), evaluate(replica), evaluate(), evaluate(replica)])
  // The house evaluates by itself, too, and may be the one that tells.
  const told = async (state: 'firing' | 'resolved') =>
    until(`receivers are told what is ${state}`, async () => {
      const { data } = await read<AlertList>(house, '/admin/v1/alerts?state=all')
      const deliveries = data.flatMap((alert) => alert.deliveries).filter((one) => one.state === state)
      return deliveries.length === 6 && deliveries.every(({ delivered }) => delivered)
    })
  await told('firing')
  const fired = await evaluate()
  expect(named(fired)).toEqual([
    'objective/providers page firing',
    'objective/providers ticket firing',
    'rule/failing page firing',
    'rule/provider-down ticket firing',
  ])
  const failing = fired.data.find(({ name }) => name === 'rule/failing')
  expect(failing).toMatchObject({ threshold: 2, ended_at: null })
  expect(failing?.value).toBeGreaterThan(2)
  expect(failing?.deliveries).toEqual(
    ['chat', 'hook', 'post'].map((name) => ({
      receiver: name,
      state: 'firing',
      attempts: 1,
      delivered: true,
      fault: null,
    })),
  )
  // Tickets have nobody who wants to be told.
  expect(fired.data.find(({ name }) => name === 'rule/provider-down')?.deliveries).toEqual([])

  const hooked = receiver.deliveries.filter(({ path }) => path === '/hook?key=secret-of-hook')
  expect(hooked.map(({ body }) => (body as AlertView).name).sort()).toEqual(['objective/providers', 'rule/failing'])
  const [{ headers, body }] = hooked as [(typeof hooked)[number]]
  const [, seconds, signed] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-headgate-signature'])) ?? []
  expect(signed).toBe(
    createHmac('sha256', signingKey)
      .update(`${seconds}.${JSON.stringify(body)}`)
      .digest('hex'),
  )
  expect(Math.abs(Date.now() / 1_000 - Number(seconds))).toBeLessThan(60)
  expect(bodies(slackPath)).toHaveLength(2)
  expect(JSON.stringify(bodies(slackPath))).toContain('*[page] rule/failing*')
  expect(mail.mails).toHaveLength(2)
  expect(mail.mails[0]?.to).toEqual(['one@example.org', 'other@example.org'])
  expect(mail.mails.map(({ text }) => String(/^Subject: (.*)$/m.exec(text)?.[1])).toSorted()).toEqual([
    'Headgate [page] objective/providers',
    'Headgate [page] rule/failing',
  ])

  for (const at of [house, replica]) {
    await at.write('headgate.yaml', configuration(1_000_000).replace('target_percent: 95', 'target_percent: 1'))
    expect((await at.request('/admin/v1/config/reload', { method: 'POST' })).status).toBe(200)
  }
  await Promise.all([evaluate(), evaluate(replica)])
  expect(named(await evaluate())).toEqual(['rule/provider-down ticket firing'])
  await told('resolved')
  const all = await read<AlertList>(house, '/admin/v1/alerts?state=all')
  expect(all.data).toHaveLength(4)
  const ended = all.data.find(({ name }) => name === 'rule/failing')
  expect(ended).toMatchObject({ state: 'resolved', value: failing?.value, started_at: failing?.started_at })
  expect(ended?.deliveries).toHaveLength(6)
  const hooks = bodies('/hook').filter((one) => (one as AlertView).name === 'rule/failing') as AlertView[]
  expect(hooks.map(({ state }) => state)).toEqual(['firing', 'resolved'])
  expect(mail.mails).toHaveLength(4)
})

it('objectives say what was attained, what is left, how fast it goes, and where it went', async () => {
  const { data } = await read<ObjectiveList>(house, '/admin/v1/objectives')
  expect(data.map(({ name }) => name)).toEqual(['availability', 'providers', 'quick'])
  const [availability, providers, quick] = data
  expect(availability).toMatchObject({
    requests: 35,
    bad: 0,
    attained_percent: 100,
    budget_left_percent: 100,
    worst: [],
  })
  expect(providers).toMatchObject({
    requests: 35,
    bad: 15,
    attained_percent: 57.143,
    worst: [{ route: '/v1/chat/completions', bad: 15 }],
  })
  // Of 35 answers 99 % may be bad: 15 of 34.65.
  expect(providers).toMatchObject({ budget_left_percent: 56.71, burn_rates: { '1h': 0.433 } })
  expect(quick).toMatchObject({ requests: 20, bad: 0, within_ms: 60_000, window_days: 7 })
})

it('a page of the list goes on where the one before ended', async () => {
  const seen: string[] = []
  for (let after = ''; ; ) {
    const page = await read<AlertList>(house, `/admin/v1/alerts?state=all&limit=1${after}`)
    seen.push(...page.data.map(({ id }) => id))
    if (page.next_cursor === null) break
    after = `&after=${page.next_cursor}`
  }
  expect(new Set(seen).size).toBe(4)
  expect(seen).toHaveLength(4)
})

it('a budget that reaches a threshold is told once, the end of it as a page', async () => {
  await house.write(
    'headgate.yaml',
    `${configuration(1_000_000)}\nbudgets: {all: {level: project, limit_usd: "0.0005", window: day, mode: soft}}`,
  )
  expect((await house.request('/admin/v1/config/reload', { method: 'POST' })).status).toBe(200)
  const { key: spender } = await house.makeKey()
  const ofBudget = () => (bodies('/hook') as AlertView[]).filter(({ name }) => name === 'budget/all')
  await until(
    'all of it is spent, and told',
    async () => {
      const body = { model: 'up/gpt-4o-mini', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] }
      await (await house.request('/v1/chat/completions', { key: spender, body })).text()
      return ofBudget().length > 0
    },
    60_000,
  )
  expect(ofBudget()).toMatchObject([{ state: 'firing', severity: 'page', threshold: 100 }])
  const { data } = await read<AlertList>(house, '/admin/v1/alerts?state=all&limit=100')
  const raised = data.filter(({ name }) => name === 'budget/all')
  expect(raised.map(({ threshold }) => threshold)).toContain(50)
  expect(raised.find(({ threshold }) => threshold === 80)?.summary).toMatch(
    /^The budget all \(.*\) has spent 80 %: [\d.]+ of 0\.0005 USD\.$/,
  )
})

describe('a receiver', () => {
  const test = (name: string) => house.request(`/admin/v1/receivers/${name}/test`, { method: 'POST' })

  it('can be tried, and says what went wrong without its address', async () => {
    expect(await (await test('hook')).json()).toEqual({
      object: 'receiver_test',
      receiver: 'hook',
      delivered: true,
      fault: null,
    })
    receiver.answer = 500
    expect(await (await test('chat')).json()).toMatchObject({ delivered: false, fault: 'it answered 500' })
    receiver.answer = 200
    expect((await test('nobody')).status).toBe(404)
  })

  it('that takes nothing is told again later, and no other waits for it', async () => {
    receiver.answer = 503
    await house.write('headgate.yaml', configuration(0.1))
    await house.request('/admin/v1/config/reload', { method: 'POST' })
    const mails = mail.mails.length
    await evaluate()
    const deliveriesOf = async () => {
      const { data } = await read<AlertList>(house, '/admin/v1/alerts')
      return data.find(({ name }) => name === 'rule/failing')?.deliveries ?? []
    }
    await until('every receiver was tried', async () => {
      const tried = await deliveriesOf()
      return tried.length === 3 && tried.every(({ delivered, fault }) => delivered || fault !== null)
    })
    receiver.answer = 200
    expect(await deliveriesOf()).toEqual([
      { receiver: 'chat', state: 'firing', attempts: 1, delivered: false, fault: 'it answered 503' },
      { receiver: 'hook', state: 'firing', attempts: 1, delivered: false, fault: 'it answered 503' },
      { receiver: 'post', state: 'firing', attempts: 1, delivered: true, fault: null },
    ])
    expect(mail.mails.length).toBeGreaterThan(mails)
  })
})

it('a configuration that makes no sense is refused by name', async () => {
  await house.write(
    'headgate.yaml',
    `
objectives: {late: {measure: duration, target_percent: 99}, odd: {measure: errors, target_percent: 100, within_ms: 3}}
alerts: {twice: {watch: p95_ms, above: 1, provider: up, route: /v1/embeddings}}
receivers: {hook: {kind: webhook}, post: {kind: email, smtp_url: "http://no", from: nobody, to: [a@example.org]}}
`,
  )
  const response = await house.request('/admin/v1/config/reload', { method: 'POST' })
  expect(response.status).toBe(422)
  const { error } = (await response.json()) as { error: { details: { message: string }[] } }
  expect(error.details.map(({ message }) => message).join('\n')).toMatch(/target_percent: is 100/)
  await house.write(
    'headgate.yaml',
    `
objectives: {late: {measure: duration, target_percent: 99}}
alerts: {twice: {watch: p95_ms, above: 1, provider: up, route: /v1/embeddings}}
receivers: {hook: {kind: webhook}, talk: {kind: slack, url: "http://127.0.0.1/x", from: a@example.org}}
`,
  )
  const second = (await (await house.request('/admin/v1/config/reload', { method: 'POST' })).json()) as typeof error & {
    error: typeof error
  }
  expect(second.error.details.map(({ message }) => message)).toEqual([
    'objectives.late: within_ms is missing for the measure duration',
    'alerts.twice: route cannot stand beside provider',
    'receivers.hook: url is missing for the kind webhook',
    'receivers.talk: from has no meaning for the kind slack',
  ])
})
