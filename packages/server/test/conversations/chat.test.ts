import type { SessionMessageView } from '@headgate/contract/conversations.ts'
import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { startGateway } from '../faults/support/gateway-process.ts'
import { queryDatabase } from '../faults/support/ledger-rows.ts'
import { expectFetchedError } from '../input/error-shape.ts'
import { strongSecrets } from '../support/configuration.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { createSessionsClient, type SessionsClient } from './support/sessions-client.ts'

const patience = { timeout: 15_000, interval: 30 }
const environment = { HEADGATE_ROOT_KEY: strongSecrets[0] as string }
let database: TestDatabase
let upstream: Upstream
let house: House
let client: SessionsClient

beforeAll(async () => {
  database = await freshDatabase()
  upstream = await startUpstream()
  const clock: Clock = {
    ...systemClock,
    every: (ms, callback) => systemClock.every(ms === 60_000 ? 200 : ms, callback),
  }
  house = await startHouse({ databaseUrl: database.url, upstream, environment, overrides: { clock } })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
}, 60_000)
beforeEach(() => upstream.reset())
afterAll(async () => {
  await house.stop()
  await upstream.close()
  await database.drop()
})

interface Sent {
  readonly model: string
  readonly temperature?: number
  readonly tools?: unknown[]
  readonly messages: { readonly role: string; readonly content: string | null }[]
}
/** What the provider was asked, in order. */
const sent = (): Sent[] => upstream.requests().map(({ body }) => JSON.parse(body as string) as Sent)
const shape = (messages: readonly SessionMessageView[]) =>
  messages.map(({ message, status }) => [message.role, status, message.content])
const user = (content: string) => ({ role: 'user', content })
const model = 'up/gpt-4o-mini;parts=3'

describe('a call in a session', () => {
  it('gets the agent and what was said, and keeps both sides, whole and streamed alike', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }]
    const agent = { model, system: 'Be short.', parameters: { temperature: 0.25 }, tools }
    const { id } = await client.begin('ada', { agent })
    const first = await client.chat('ada', id, { messages: [user('One')] })
    const said = (await first.json()) as { choices: { message: { content: string } }[] }
    const text = said.choices[0]?.message.content as string
    expect(first.headers.get('x-headgate-session')).toBe(id)
    expect(first.headers.get('x-headgate-context')).toBe('messages=0, summarised=0, omitted=0')
    const streamed = await client.chat('ada', id, { messages: [user('Two')], stream: true, temperature: 1, model: '' })
    expect(await streamed.text()).toContain('data: [DONE]')
    // Without waiting: the end of the stream left once it was written down.
    const kept = await client.branch('ada', id)
    expect(shape(kept)).toEqual([
      ['user', 'complete', 'One'],
      ['assistant', 'complete', text],
      ['user', 'complete', 'Two'],
      ['assistant', 'complete', text],
    ])
    expect(kept[3]).toMatchObject({
      id: streamed.headers.get('x-headgate-message'),
      model: 'gpt-4o-mini',
      finish_reason: 'stop',
    })
    expect(kept[3]?.tokens).toBe((kept[1] as SessionMessageView).tokens)
    const [one, two] = sent() as [Sent, Sent]
    const system = { role: 'system', content: 'Be short.' }
    expect(one).toMatchObject({
      model: 'gpt-4o-mini;parts=3',
      temperature: 0.25,
      tools,
      messages: [system, user('One')],
    })
    expect(two.messages).toEqual([system, user('One'), { role: 'assistant', content: text }, user('Two')])
    expect(two.temperature).toBe(1)
    const usage = await client.told<object>(`/usage/${kept[1]?.request_id}`, { user: 'ada' })
    expect(usage).toMatchObject({ id: kept[1]?.request_id })

    // Answered anew, from the same question: a branch beside.
    const again = await client.chat('ada', `${id}; parent=${kept[0]?.id}`, { messages: [] })
    expect(again.status, await again.clone().text()).toBe(200)
    expect(sent()[2]?.messages).toEqual([system, user('One')])
    expect((await client.branch('ada', id)).map(({ id: each }) => each)).toEqual([
      ...[kept[0]?.id, again.headers.get('x-headgate-message')],
    ])
    await client.chat('ada', `${id}; parent=none`, { messages: [user('Anew')] })
    expect(shape(await client.branch('ada', id))[0]).toEqual(['user', 'complete', 'Anew'])
  })

  it('keeps what had come of an answer that broke off, and nothing of one that never began', async () => {
    const { id } = await client.begin('ben')
    const ask = (script: string, signal?: AbortSignal) =>
      client.chat('ben', id, { model: `up/gpt-4o-mini;${script}`, messages: [user('Go')], stream: true }, signal)
    await expectFetchedError(await ask('status=500'), 'upstream_error')
    await expectFetchedError(await client.chat('ben', id, { model, messages: 'x' }), 'invalid_parameter')
    expect(await client.branch('ben', id)).toEqual([])
    expect(await (await ask('parts=9;cut-at-part=3')).text()).toContain('upstream_truncated')
    const cut = (await client.branch('ben', id)).at(-1) as SessionMessageView
    expect(cut).toMatchObject({ status: 'incomplete', finish_reason: null })
    expect(String(cut.message.content).trim().split(' ').length).toBe(3)

    const leaving = new AbortController()
    const open = await ask('parts=40;part-delay=50', leaving.signal)
    const reader = (open.body as ReadableStream<Uint8Array>).getReader()
    for (let parts = 0; parts < 4; parts++) await reader.read()
    await expectFetchedError(await client.chat('ben', id, { model, messages: [user('Now?')] }), 'session_busy')
    leaving.abort()
    await vi.waitFor(async () => {
      const [question, left] = (await client.branch('ben', id)).slice(-2) as [SessionMessageView, SessionMessageView]
      expect(question.message).toEqual(user('Go'))
      expect(left.status).toBe('incomplete')
      expect(String(left.message.content)).not.toBe('')
    }, patience)
    // A conversation goes on from there.
    const next = await client.chat('ben', id, { model, messages: [user('And?')] })
    expect(next.status).toBe(200)
    expect(
      sent()
        .at(-1)
        ?.messages.map(({ role }) => role),
    ).toEqual(['user', 'assistant', 'user', 'assistant', 'user'])
  })

  it('whose process is killed leaves what was written down, and says that it is not all', async () => {
    const gateway = await startGateway({
      databaseUrl: database.url,
      upstreamUrl: upstream.url,
      environment,
    })
    const there = createSessionsClient(gateway.url, (await gateway.makeKey()).key)
    const { id } = await there.begin('cleo')
    const asked = { model: 'up/gpt-4o-mini;parts=400;part-delay=20', messages: [user('Go')], stream: true }
    const open = await there.chat('cleo', id, asked)
    expect(open.status).toBe(200)
    const partly = async () => {
      const [, answer] = await client.branch('cleo', id)
      expect(String(answer?.message.content)).not.toBe('')
      return answer as SessionMessageView
    }
    expect((await vi.waitFor(partly, patience)).status).toBe('in_progress')
    await gateway.kill()
    open.body?.cancel().catch(() => undefined)
    await queryDatabase(
      database.url,
      `UPDATE headgate.conversation_messages SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL`,
    )
    const left = await partly()
    expect(left).toMatchObject({ status: 'incomplete', finish_reason: null })
    // Another process writes down that it has ended, as a change of the session.
    const { etag } = await client.told<{ etag: string }>(`/sessions/${id}`, { user: 'cleo' })
    await vi.waitFor(async () => {
      const open = 'SELECT message_id FROM headgate.conversation_messages WHERE held_until IS NOT NULL'
      expect(await queryDatabase(database.url, open)).toEqual([])
    }, patience)
    const after = await client.told<{ etag: string }>(`/sessions/${id}`, { user: 'cleo' })
    expect(Number(/\d+/.exec(after.etag))).toBeGreaterThanOrEqual(Number(/\d+/.exec(etag)))
    expect(await partly()).toEqual(left)
    const next = await client.chat('cleo', id, { model, messages: [user('And?')] })
    expect(next.status).toBe(200)
    expect((await client.branch('cleo', id)).length).toBe(4)
  }, 60_000)

  it('is refused for a session of somebody else, as for one that is not there', async () => {
    const { id } = await client.begin('dora')
    const body = { model, messages: [user('Hello')] }
    for (const session of [id, 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV'])
      await expectFetchedError(await client.chat('eve', session, body), 'session_not_found')
    await expectFetchedError(await client.chat('dora', 'nonsense', body), 'invalid_parameter')
    const other = `${id}; parent=msg_01ARZ3NDEKTSV4RRFFQ69G5FAV`
    await expectFetchedError(await client.chat('dora', other, body), 'message_not_found')
    expect(upstream.requests()).toEqual([])
  })
})

describe('a long conversation', () => {
  const talk = async (person: string, settings: object) => {
    const { id } = await client.begin(person, { settings: { context_tokens: 400, ...settings } })
    for (let turn = 0; turn < 20; turn++)
      await client.say(
        person,
        id,
        `${turn % 2 ? 'answer' : 'question'} ${turn} ${'word '.repeat(30)}`,
        turn % 2 ? 'assistant' : 'user',
      )
    return id
  }

  it('is cut to the budget, and the oldest of it summed up once, on the caller’s account', async () => {
    const id = await talk('fay', { summary_model: 'up/gpt-4o-mini;parts=5' })
    const first = await client.chat('fay', id, { model, messages: [user('Next')] })
    expect(first.headers.get('x-headgate-context')).toMatch(/^messages=\d+, summarised=1\d, omitted=0$/)
    expect(first.headers.get('x-headgate-warning')).toBeNull()
    const [summing, asked] = sent() as [Sent, Sent]
    expect(upstream.requests().length).toBe(2)
    expect(summing.model).toBe('gpt-4o-mini;parts=5')
    expect(summing.messages[1]?.content).toMatch(/^user: question 0 /)
    const [summary, oldest] = asked.messages
    expect(summary).toMatchObject({ role: 'user', content: expect.stringMatching(/^Summary of the earlier part/) })
    expect(oldest).toMatchObject({ role: 'user', content: expect.stringMatching(/^question/) })
    expect(asked.messages.at(-2)?.content).toMatch(/^answer 19 /)
    const given = asked.messages.slice(1, -1).length
    expect(first.headers.get('x-headgate-context')).toContain(`messages=${given}, summarised=${20 - given},`)
    await house.settled()
    const { data } = await client.told<{ data: { user: string | null }[] }>('/usage?limit=2')
    expect(data.map((row) => row.user)).toEqual(['fay', 'fay'])

    upstream.reset()
    const second = await client.chat('fay', id, { model, messages: [user('More')] })
    expect(second.headers.get('x-headgate-context')).toBe(`messages=${given + 2}, summarised=0, omitted=0`)
    expect(upstream.requests().length).toBe(1)
    expect(sent()[0]?.messages[0]).toEqual(summary)
    expect((await client.branch('fay', id)).length).toBe(24)
  })

  it('is summed up under the checks that the call asks for', async () => {
    const { id } = await client.begin('ina', { settings: { context_tokens: 400, summary_model: 'up/gpt-4o-mini' } })
    for (let turn = 0; turn < 20; turn++)
      await client.say('ina', id, `I am ina@example.org ${'word '.repeat(30)}`, turn % 2 ? 'assistant' : 'user')
    const asked = await client.chat('ina', id, { model, messages: [user('Next')], safe: true })
    expect(asked.status).toBe(200)
    expect(upstream.requests().length).toBeGreaterThan(1)
    for (const { body } of upstream.requests()) expect(body).not.toContain('ina@example.org')
  })

  it('whose summary cannot be made says what is left out', async () => {
    const id = await talk('gus', { summary_model: 'up/gpt-4o-mini;status=400' })
    const answer = await client.chat('gus', id, { model, messages: [user('Next')] })
    expect(answer.status).toBe(200)
    const [, told, omitted] = /^messages=(\d+), summarised=0, omitted=(\d+)$/.exec(
      answer.headers.get('x-headgate-context') ?? '',
    ) as RegExpExecArray
    expect(Number(told) + Number(omitted)).toBe(20)
    expect(Number(omitted)).toBeGreaterThan(5)
    expect(answer.headers.get('x-headgate-warning')).toBe(
      `${omitted} earlier messages of the session are left out: no summary could be made`,
    )
    expect(sent().at(-1)?.messages.length).toBe(Number(told) + 1)
  })
})
