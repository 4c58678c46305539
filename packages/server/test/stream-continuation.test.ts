import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ledgerRows } from './faults/support/ledger-rows.ts'
import { readEvents } from './faults/support/read-events.ts'
import { type House, prices, startHouse } from './support/house.ts'

const cut = 'up/gpt-4o-mini;parts=20;cut-at-part=4'
const cutTools = 'up/gpt-4o-mini;tool-calls=1;cut-at-part=2'
const other = 'up/gpt-4o;parts=3'
const patience = { timeout: 15_000, interval: 20 }

let house: House
let key: string

beforeAll(async () => {
  house = await startHouse({
    config: {
      resume_continue_after_cut: 'true',
      safety_projects: { seams: 'main' },
      safety_block: { seam: { texts: ['and to the of'], applies_to: 'answers' } },
      models: Object.fromEntries(
        [cut, cutTools, other, 'up/gpt-4o;status=400'].map((name) => [
          name,
          { price: prices, max_output_tokens: 4096 },
        ]),
      ),
      routes: {
        steady: { targets: { [cut]: {} }, fallbacks: [other] },
        alone: { targets: { [cut]: {} } },
        refused: { targets: { [cut]: {} }, fallbacks: ['up/gpt-4o;status=400'] },
        twice: { targets: { [cut]: {} }, fallbacks: ['up/gpt-4o-mini;parts=20;cut-at-part=4;utf8'] },
        tooled: { targets: { [cutTools]: {} }, fallbacks: [other] },
      },
    },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const tools = [{ type: 'function', function: { name: 'first', parameters: { type: 'object' } } }]
const ask = async (model: string, resume = 'on', more: object = {}) => {
  const answer = await fetch(`${house.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-resume': resume },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }], ...more }),
  })
  const text = await answer.text()
  return { text, id: answer.headers.get('x-request-id') as string, stream: answer.headers.get('x-headgate-stream') }
}
const rowsOf = async (id: string, count: number) =>
  vi.waitFor(async () => {
    await house.settled()
    const rows = (await ledgerRows(house.databaseUrl)).filter(({ client_request_id }) => client_request_id === id)
    expect(rows).toHaveLength(count)
    return rows
  }, patience)

describe('a kept stream whose provider breaks off', () => {
  it('goes on at the next target with its text, marked, each call with a row of its own', async () => {
    const { text, id, stream } = await ask('steady', 'on', { stream_options: { include_usage: true } })
    const { content, done, code, data } = readEvents(text)
    expect({ done, code }).toEqual({ done: true, code: null })
    expect(content).toBe(' the of and to the of and')
    const marks = data.filter((item) => item.includes('"continuation"'))
    expect(marks).toHaveLength(1)
    const { choices, continuation } = JSON.parse(marks[0] as string) as Record<string, unknown>
    expect({ choices, continuation }).toMatchObject({
      choices: [],
      continuation: { provider: 'up', model: 'gpt-4o;parts=3' },
    })
    const asked = house.upstream.requests().at(-1)
    expect(JSON.parse(asked?.body ?? '{}')).toMatchObject({
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: ' the of and to' },
      ],
    })
    const rows = await rowsOf(id, 2)
    expect(rows.map(({ outcome, output_tokens, estimated }) => ({ outcome, output_tokens, estimated }))).toEqual([
      { outcome: 'upstream_cut', output_tokens: '4', estimated: true },
      { outcome: 'complete', output_tokens: '3', estimated: false },
    ])
    expect((continuation as { request_id: string }).request_id).toBe(rows[1]?.request_id)
    const again = await house.request(`/v1/streams/${stream}`, { key })
    expect(await again.text()).toBe(text)
  })

  it('ends with an error where something blocked stands across the seam of its two answers', async () => {
    await house.request('/admin/v1/projects', { body: { id: 'seams', name: 'seams' } })
    const before = key
    key = (await house.makeKey({ project: 'seams' })).key
    const { text } = await ask('steady')
    key = before
    expect(readEvents(text)).toMatchObject({ done: false, code: 'answer_blocked', content: ' the of and to' })
  })

  it.each(['alone', 'refused', 'tooled'])('is told as cut where nothing can go on: %s', async (route) => {
    const { text } = await ask(route, 'on', { tools: route === 'tooled' ? tools : undefined })
    expect(readEvents(text)).toMatchObject({ done: false, code: 'upstream_truncated' })
    expect(text).not.toContain('"continuation"')
  })

  it('goes on once, and not where it is not kept', async () => {
    const twice = await ask('twice')
    expect(readEvents(twice.text)).toMatchObject({ done: false, code: 'upstream_truncated', parts: 8 })
    await rowsOf(twice.id, 2)
    const plain = await ask('steady', 'off')
    expect(readEvents(plain.text)).toMatchObject({ done: false, code: 'upstream_truncated', parts: 4 })
    await rowsOf(plain.id, 1)
  })
})
