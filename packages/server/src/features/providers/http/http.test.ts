import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../../../../test/support/house.ts'
import { expectWhole, imagesAnswer } from './answer.ts'
import { follow } from './pointer.ts'
import { readTemplate } from './template.ts'

let house: House
let key: string

const chat = (answer: object, more = '') => ({
  method: 'POST',
  path: '/chat/completions',
  headers: { 'x-odd-key': 'is {api_key}', 'x-odd-user': 'ü{model}' },
  body: `{"model": {model}, "messages": [{"role": "user", "content": "Please: {prompt}"}]${more}}`,
  answer,
})

beforeAll(async () => {
  const upstream = await startUpstream()
  house = await startHouse({
    upstream,
    config: {
      providers: {
        odd: {
          kind: 'http',
          base_url: `${upstream.url}/v1`,
          api_key: 'the-odd-key',
          models: ['talks', 'draws', 'talks;status=429'],
          templates: {
            chat: chat({ text: '/choices/0/message/content' }, ', "temperature": {temperature}'),
            images: {
              method: 'POST',
              path: '/images/generations',
              body: '{"model": {model}, "prompt": {prompt}, "n": 1, "size": "{width}x{height}"}',
              answer: { base64: '/data/0/b64_json' },
            },
          },
        },
      },
      models: {
        'odd/talks': { price: { input: '1', output: '2' }, max_output_tokens: 100 },
        'odd/draws': { price: { image: '0.01' } },
      },
    },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house?.stop())

const post = (path: string, body: object) => house.request(path, { key, body })
const ask = (more: object = {}) =>
  post('/v1/chat/completions', { model: 'odd/talks', messages: [{ role: 'user', content: 'Say "hi"\n' }], ...more })
const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code

describe('a provider of templates', () => {
  it('asks as its template says and answers in OpenAI’s shape, counted and paid', async () => {
    const answer = await ask({ temperature: 0.5, top_p: 0.9 })
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as { choices: { message: { content: string } }[] }
    expect(body).toMatchObject({ object: 'chat.completion', model: 'talks', choices: [{ finish_reason: 'stop' }] })
    expect(body.choices[0]?.message.content).not.toBe('')
    expect(answer.headers.get('x-headgate-warning')).toBe('not carried over: top_p')
    expect(Number(answer.headers.get('x-headgate-cost-usd'))).toBeGreaterThan(0)
    const sent = house.upstream.requests().at(-1)
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      model: 'talks',
      messages: [{ role: 'user', content: 'Please: Say "hi"\n' }],
      temperature: 0.5,
    })
    expect(sent?.headers).toMatchObject({ 'x-odd-key': 'is the-odd-key', 'x-odd-user': '%C3%BCtalks' })
    expect(sent?.headers['authorization']).toBeUndefined()
  })

  it('streams what came as a whole, once and to its end', async () => {
    const text = await (await ask({ stream: true })).text()
    const events = text.split('\n\n').filter((event) => event.startsWith('data: {'))
    const words = events.map((event) => {
      const { choices } = JSON.parse(event.slice('data: '.length)) as { choices: { delta: { content?: string } }[] }
      return choices[0]?.delta.content ?? ''
    })
    expect(words.join('')).not.toBe('')
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })

  it('draws, and counts the picture', async () => {
    const answer = await post('/v1/images/generations', { model: 'odd/draws', prompt: 'a hill', size: '640x480' })
    expect(answer.headers.get('x-headgate-cost-usd')).toBe('0.01')
    expect(((await answer.json()) as { data: { b64_json: string }[] }).data[0]?.b64_json).toMatch(/^[A-Za-z0-9+/]+/)
    expect(JSON.parse(house.upstream.requests().at(-1)?.body ?? '')).toMatchObject({ size: '640x480' })
  })

  it('says what it has no template or no place for', async () => {
    const speech = await post('/v1/audio/speech', { model: 'odd/talks', input: 'Hi', voice: 'alloy' })
    expect([speech.status, await codeOf(speech)]).toEqual([400, 'operation_not_supported'])
    expect(await codeOf(await ask({ tools: [], strict: true, top_p: 1 }))).toBe('unsupported_parameter')
    expect(await codeOf(await ask({ model: 'odd/talks;status=429' }))).toBe('upstream_rate_limited')
    const models = (await (await house.request('/v1/models', { key })).json()) as {
      data: { id: string; headgate: { operations: string[] } }[]
    }
    expect(models.data.find(({ id }) => id === 'odd/draws')?.headgate.operations).toEqual(['chat', 'images'])
  })
})

describe('the parts of a template', () => {
  const image = { method: 'GET', path: '/p/{prompt}?w={width}', contentType: 'application/json' } as const
  const raw = { type: 'image/*' }

  it('keeps a prompt in its place of the address', () => {
    const { fill } = readTemplate({ ...image, answer: raw })
    expect(fill({ prompt: '../admin?x=1', width: 5 }).path).toBe('/p/..%2Fadmin%3Fx%3D1?w=5')
    for (const prompt of ['..', '.', ''.padEnd(20_000, 'a')])
      expect(() => fill({ prompt })).toThrow(expect.objectContaining({ code: 'invalid_parameter' }))
  })

  it('takes bytes of the type alone for a picture', () => {
    const { read } = expectWhole(raw, true)
    const bytes = Buffer.from('picture')
    expect(read(bytes, 200, [], 'image/png; q=1')).toEqual({ usage: null })
    for (const [body, type] of [
      [bytes, 'text/html'],
      [Buffer.alloc(0), 'image/png'],
    ] as const)
      expect(() => read(body, 200, [], type)).toThrow(expect.objectContaining({ code: 'upstream_malformed' }))
    const whole = { kind: 'json', status: 200, body: bytes, usage: null } as const
    expect(JSON.parse(imagesAnswer(whole, raw, 1).body.toString())).toEqual({
      created: 1,
      data: [{ b64_json: bytes.toString('base64') }],
    })
  })

  it('follows pointers by RFC 6901, and no further than what is there', () => {
    const document = { 'a/b': [{ 'm~n': 'here' }], list: ['x'] }
    expect(follow(document, '/a~1b/0/m~0n')).toBe('here')
    for (const pointer of ['/list/01', '/list/-', '/list/length', '/__proto__/x', '/none/at/all'])
      expect(follow(document, pointer), pointer).toBeUndefined()
    const { read } = expectWhole({ text: '/answer' }, false)
    expect(() => read(Buffer.from('{"error": {"code": "rate_limit_exceeded"}}'), 200, [], '')).toThrow(
      expect.objectContaining({ code: 'upstream_rate_limited' }),
    )
    expect(() => read(Buffer.from('{"answer": 5}'), 200, [], '')).toThrow(
      expect.objectContaining({ code: 'upstream_malformed' }),
    )
  })
})
