import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

interface Told {
  readonly error: { readonly code: string; readonly param: string | null }
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly [member: string]: unknown
}
const told = async (answer: Response): Promise<Told> => (await answer.json()) as Told
const send = (method: string, path: string, body: object) => house.request(path, { method, body })
const add = (body: object) =>
  send('POST', '/admin/v1/providers', { base_url: house.upstream.url, api_key: 'the-key-of-it-0123456789', ...body })
const ask = (path: string, body: object) => house.request(path, { key, body })

const templates = {
  chat: {
    method: 'POST',
    path: '/v1/chat/completions',
    body: '{"model": {model}, "messages": [{"role": "user", "content": "Please: {prompt}"}]}',
    answer: { text: '/choices/0/message/content' },
  },
}
const messages = [{ role: 'user', content: 'Hello' }]

describe('a provider that is added at run time', () => {
  it('may be one of speech, with voices by names of its own', async () => {
    const made = await add({ name: 'speaks', kind: 'elevenlabs', voices: { Nova: 'voice-of-nova' } })
    expect([made.status, await told(made)]).toMatchObject([201, { voices: { Nova: 'voice-of-nova' } }])
    const speech = { model: 'speaks/eleven_flash_v2_5', input: 'Welcome.', voice: 'Nova' }
    const answer = await ask('/v1/audio/speech', speech)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'audio/mpeg'])
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(1_000)
    expect(house.upstream.requests().at(-1)?.path).toContain('/text-to-speech/voice-of-nova')

    await send('PATCH', '/admin/v1/providers/speaks', { voices: { Nova: 'voice-of-another' } })
    await (await ask('/v1/audio/speech', speech)).arrayBuffer()
    expect(house.upstream.requests().at(-1)?.path).toContain('/text-to-speech/voice-of-another')
  })

  it('may be asked by templates, and lists the models that are named', async () => {
    const made = await add({ name: 'odd', kind: 'http', templates, models: ['talks'] })
    expect(await told(made)).toMatchObject({ kind: 'http', templates, models: ['talks'], fetch_images: false })
    const answer = await told(await ask('/v1/chat/completions', { model: 'odd/talks', messages }))
    expect(answer.choices[0]?.message.content).not.toBe('')
    expect(house.upstream.requests().at(-1)?.body).toContain('Please: Hello')
    const { data } = (await (await house.request('/v1/models', { key })).json()) as { data: { id: string }[] }
    expect(data.map(({ id }) => id)).toContain('odd/talks')
    expect((await told(await send('PATCH', '/admin/v1/providers/odd', { models: null })))['models']).toBe(undefined)
  })

  it.each([
    ['no template', { kind: 'http' }, 'templates'],
    ['a template of another kind', { kind: 'openai', templates }, 'templates'],
    [
      'a place for nothing',
      { kind: 'http', templates: { chat: { ...templates.chat, body: '{whom}' } } },
      'templates.chat.body',
    ],
    [
      'a header that frames the message',
      { kind: 'http', templates: { chat: { ...templates.chat, headers: { host: 'elsewhere' } } } },
      'templates.chat.headers.host',
    ],
    ['voices of nobody', { kind: 'openai', voices: { Nova: 'x' } }, 'voices'],
    ['models that it lists itself', { kind: 'openai', models: ['x'] }, 'models'],
  ])('is refused with %s', async (_, body, param) => {
    const refused = await add({ name: 'wrong', ...body })
    expect([refused.status, (await told(refused)).error]).toMatchObject([400, { code: 'invalid_parameter', param }])
  })

  it('has pictures fetched for it, guarded, where that is wanted', async () => {
    await add({ name: 'seeing', kind: 'openai', base_url: `${house.upstream.url}/v1`, fetch_images: true })
    const content = [{ type: 'image_url', image_url: { url: 'https://127.0.0.1/picture.png' } }]
    const call = { model: 'seeing/gpt-4o-mini', messages: [{ role: 'user', content }] }
    expect((await told(await ask('/v1/chat/completions', call))).error.code).toBe('url_refused')
    await send('PATCH', '/admin/v1/providers/seeing', { fetch_images: false })
    expect((await ask('/v1/chat/completions', call)).status).toBe(200)
  })
})
