import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from '../../../test/faults/support/ask.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { administer } from '../../../test/support/services.ts'

let house: House
let logged: { id: string; key: string }
let other: { id: string; key: string }

beforeAll(async () => {
  house = await startHouse({
    config: { body_log_projects: 'logged', body_log_max_bytes: '2000', body_log_redact: 'KD-\\d{4}' },
  })
  await house.request('/admin/v1/projects', { body: { id: 'logged', name: 'logged' } })
  logged = await house.makeKey({ project: 'logged' })
  other = await house.makeKey()
})
afterAll(() => house.stop())

interface Bodies {
  readonly request: string
  readonly answer: string | null
  readonly cut: boolean
  readonly redactions: number
  readonly request_bytes: number
}
const bodiesOf = (id: string) => house.request(`/admin/v1/requests/${id}/bodies`)
const say = (key: string, content: string, model = 'up/gpt-4o-mini', more = {}) =>
  ask({ url: house.url, key }, model, { messages: [{ role: 'user', content }], ...more })
const idOf = async (requestId: string) =>
  ((await (await house.request(`/admin/v1/requests/${requestId}`)).json()) as { id: string }).id

it('keeps what the named project sent and got, redacted, and nobody reads it unseen', async () => {
  const answer = await say(logged.key, 'I am jane@mail.example, order KD-1234, key sk-abcdefghijklmnop')
  const id = await idOf(answer.requestId)
  const bodies = (await (await bodiesOf(id)).json()) as Bodies
  expect(bodies.request).toContain('I am [redacted:email], order [redacted:custom], key [redacted:key]')
  expect(bodies.request).not.toContain('jane')
  expect(JSON.parse(bodies.answer ?? '')).toHaveProperty('choices')
  expect(bodies).toMatchObject({ object: 'request_bodies', id, cut: false, redactions: 3 })
  const audit = (await (await house.request('/admin/v1/audit?limit=1')).json()) as { data: object[] }
  expect(audit.data[0]).toMatchObject({ action: 'request_bodies.read', resource: `request/${id}`, project: 'logged' })
})

it('keeps the text of a stream, the question of a call that failed, and the head of what is long', async () => {
  const stream = await say(logged.key, 'Hello', 'up/gpt-4o-mini;parts=5', { stream: true })
  const streamed = (await (await bodiesOf(await idOf(stream.requestId))).json()) as Bodies
  expect(streamed.answer).toBe(stream.content)
  const failed = await say(logged.key, 'Hello', 'up/gpt-4o-mini;status=500')
  const failure = (await (await bodiesOf(await idOf(failed.requestId))).json()) as Bodies
  expect(failure.answer).toBeNull()
  expect(failure.request).toContain('Hello')
  const long = await say(logged.key, 'x'.repeat(50_000))
  const cut = (await (await bodiesOf(await idOf(long.requestId))).json()) as Bodies
  expect(cut).toMatchObject({ cut: true })
  expect(cut.request).toHaveLength(2_000)
  expect(cut.request_bytes).toBeGreaterThan(50_000)
})

it('keeps nothing of other projects, nothing readable in the database, and nothing beyond its days', async () => {
  const answer = await say(other.key, 'canary-of-another')
  expect((await bodiesOf(await idOf(answer.requestId))).status).toBe(404)
  await say(logged.key, 'canary-in-the-table')
  await administer(
    house.databaseUrl,
    `DO $$ BEGIN
       ASSERT (SELECT count(*) FROM headgate.request_bodies) > 0;
       ASSERT NOT EXISTS (SELECT FROM headgate.request_bodies WHERE position('canary'::bytea IN sealed) > 0);
       ASSERT NOT EXISTS (SELECT FROM headgate.requests r WHERE r::text LIKE '%canary%');
     END $$`,
  )
  await administer(
    house.databaseUrl,
    `CREATE TABLE headgate.request_bodies_y2020m01d02 PARTITION OF headgate.request_bodies
       FOR VALUES FROM ('2020-01-02 00:00:00+00') TO ('2020-01-03 00:00:00+00')`,
  )
  const drop = `BEGIN; SET LOCAL ROLE headgate_runtime; SELECT headgate.drop_daily_partitions('headgate.request_bodies', 7); COMMIT`
  await administer(house.databaseUrl, drop)
  const gone = administer(house.databaseUrl, 'SELECT FROM headgate.request_bodies_y2020m01d02')
  await expect(gone).rejects.toThrow('does not exist')
})
