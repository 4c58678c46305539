import { words } from '@headgate/qa/upstream/words.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

/** What the scripted upstream says, as one text. */
const said = words.join('')
/** Two of its words that come in two parts: at its beginning, and behind more than a window. */
const early = 'in is'
const late = 'because long'

let house: House
let key: string
let plain: string
beforeAll(async () => {
  house = await startHouse({
    config: {
      safety_projects: { early: 'main', late: 'main', both: 'main' },
      safety_block: {
        early: { texts: [early], applies_to: 'answers' },
        prompts: { texts: ['only asked'], applies_to: 'prompts' },
      },
    },
  })
  for (const id of ['early', 'late', 'both']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  key = (await house.makeKey({ project: 'early' })).key
  plain = (await house.makeKey()).key
})
afterAll(() => house.stop())

const post = (path: string, body: object, by = key, of = house) =>
  fetch(of.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const model = 'up/gpt-4o-mini'
const messages = [{ role: 'user', content: 'hello' }]
const chat = (more: object, by = key, of = house) => post('/v1/chat/completions', { model, messages, ...more }, by, of)

/** The text of the content events. */
const shownIn = (events: string): string =>
  [...events.matchAll(/^data: (\{.*)$/gm)]
    .map(([, data]) => JSON.parse(data as string) as { choices?: { delta?: { content?: string } }[] })
    .map(({ choices }) => choices?.[0]?.delta?.content ?? '')
    .join('')

describe('answers', () => {
  it('end with an error where something blocked spans parts of a stream, of which nothing is shown, and are charged', async () => {
    const { key: own } = await house.makeKey({ project: 'early' })
    const text = await (await chat({ stream: true }, own)).text()
    expect(text).toContain('"code":"answer_blocked"')
    expect(text).not.toContain('[DONE]')
    expect(shownIn(text)).toBe('')
    const { key: other } = await house.makeKey({ project: 'early' })
    expect(await (await chat({}, other)).json()).toMatchObject({ error: { code: 'answer_blocked' } })
    for (const by of [own, other]) {
      await house.settled()
      const usage = await (await house.request('/v1/usage', { key: by })).text()
      expect(usage).not.toContain('"cost_usd":"0"')
    }
  })

  it.each([
    ['/v1/messages', { model, max_tokens: 50, messages }, 'event: message_stop'],
    ['/v1/responses', { model, input: 'hello' }, 'event: response.completed'],
    ['/v1/completions', { model, prompt: 'hello', max_tokens: 50 }, '[DONE]'],
  ])('are looked at in every protocol: %s', async (path, body, terminal) => {
    const events = await (await post(path, { ...body, stream: true })).text()
    expect(events).toContain('answer_blocked')
    expect(events).not.toContain(terminal)
    expect(events).not.toMatch(/"(text|delta|content)":" (to|in|is)"/)
    const whole = await (await post(path, body)).text()
    expect(whole).toContain('answer_blocked')
    expect(whole).not.toContain(early)
  })

  it('come through byte by byte where nothing blocked is in them, and where nothing is looked at', async () => {
    const asTold = async (by: string, more: object) =>
      (await (await chat({ stream: true, stream_options: { include_usage: true }, ...more }, by)).text()).replace(
        /("(?:id|request_id)":"|"created":)[\w-]*/g,
        (_all, name: string) => `${name}0`,
      )
    const script = { model: `${model};parts=4` }
    expect(await asTold(key, script)).toBe(await asTold(plain, script))
    expect(shownIn(await asTold(plain, {}))).toContain(early)
    expect(
      await (await chat({ messages: [{ role: 'user', content: 'only asked' }], model: `${model};parts=4` })).json(),
    ).toMatchObject({
      error: { code: 'content_refused' },
    })
  })

  it('show no more than what came a window before', async () => {
    const of = await startHouse({
      upstream: house.upstream,
      config: { safety_policy: 'main', safety_block: { late: { texts: [late] } } },
    })
    const by = (await of.makeKey()).key
    const text = await (await chat({ stream: true, model: `${model};parts=${words.length}` }, by, of)).text()
    const shown = shownIn(text)
    expect(text).toContain('answer_blocked')
    expect(shown.length).toBeGreaterThan(50)
    expect(said.startsWith(shown)).toBe(true)
    expect(shown.length).toBeLessThanOrEqual(said.indexOf(late) + late.length - 256)
    await of.stop()
  })
})
