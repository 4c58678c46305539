import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { expectFetchedError } from './error-shape.ts'

let house: House
let key: string

beforeAll(async () => {
  house = await startHouse()
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

const messages = '"messages":[{"role":"user","content":"Hello"}]'
const chat = (members: string) => house.request('/v1/chat/completions', { key, body: `{${members}}` })
const embed = (members: string) => house.request('/v1/embeddings', { key, body: `{${members}}` })
const precise = async (response: Promise<Response>, code: Parameters<typeof expectFetchedError>[1], param: string) => {
  const error = await expectFetchedError(await response, code)
  expect(error.param).toBe(param)
  expect(error.details[0]?.fix, `${param} has a fix`).toMatch(/\w/)
}

describe('what parsers disagree on', () => {
  it.each(['model', 'messages', 'max_tokens', 'max_completion_tokens', 'user', 'stream', 'stream_options', 'n'])(
    '%s twice is refused, however it is spelt',
    async (name) => {
      const value = { model: '"demo"', messages: '[{"role":"user","content":"x"}]', user: '"x"', stream_options: '{}' }
      const text = (value as Record<string, string>)[name] ?? (/tokens|^n$/.test(name) ? '1' : 'false')
      const escaped = `${name.slice(0, -1)}\\u${name
        .charCodeAt(name.length - 1)
        .toString(16)
        .padStart(4, '0')}`
      const every = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      const base = [name === 'model' ? '' : '"model":"demo"', name === 'messages' ? '' : messages]
        .filter(Boolean)
        .join(',')
      for (const second of [name, escaped, every]) {
        const first = `"${name}":${text}`
        for (const members of [
          `${first},${base},"${second}":${text}`,
          `${base},${first},"${second}":${text}`,
          `${base},"${second}":null,${first}`,
          `${base},${first} , "x":{"${name}":1},\n"${second}" :\t${text}`,
        ])
          await precise(chat(members), 'duplicate_parameter', name)
      }
      expect((await chat(`${base},"${name}":${text},"x":{"${name}":1,"${name}":2}`)).status).toBe(200)
    },
  )

  it('a duplicate that decides nothing passes through', async () => {
    expect((await chat(`"model":"demo",${messages},"temperature":1,"temperature":0`)).status).toBe(200)
  })

  it('a member inside a text is no member', async () => {
    const text = JSON.stringify('","model":"other","model":"third"')
    expect(
      (await chat(`"model":"demo","messages":[{"role":"user","content":${text}}],"metadata":${text}`)).status,
    ).toBe(200)
  })

  it.each(['0', '-1', '1.5', '1e400', '-1e400', '9007199254740993', '1e-400', '"5"', 'true', '[1]', '{}', '10000001'])(
    'max_tokens %s is refused',
    async (value) => {
      await precise(chat(`"model":"demo",${messages},"max_tokens":${value}`), 'invalid_parameter', 'max_tokens')
      await precise(
        chat(`"model":"demo",${messages},"max_completion_tokens":${value}`),
        'invalid_parameter',
        'max_completion_tokens',
      )
    },
  )

  it.each(['NaN', 'Infinity', '-Infinity', '0x10', '1_000', '٣', '+1', '.5', '1.'])(
    'the number %s is no JSON',
    async (value) => {
      await expectFetchedError(await chat(`"model":"demo",${messages},"max_tokens":${value}`), 'invalid_json')
      await expectFetchedError(await chat(`"model":"demo",${messages},"x":${value}`), 'invalid_json')
    },
  )

  it('numbers beyond a double pass through untouched', async () => {
    const seed = '"seed":123456789012345678901234567890,"x":1e400,"y":-0.0,"z":1.000'
    expect((await chat(`"model":"up/gpt-4o-mini;parts=1",${messages},${seed}`)).status).toBe(200)
    expect(house.upstream.requests().at(-1)?.body).toContain(seed)
  })

  it('trailing bytes are refused', async () => {
    const whole = `{"model":"demo",${messages}}`
    for (const rest of ['{}', ',', '}', ']', 'x', '\u0000', '"', '{"model":"other"}', '\n\u001a'])
      await expectFetchedError(await house.request('/v1/chat/completions', { key, body: whole + rest }), [
        'invalid_json',
        'duplicate_parameter',
      ])
    expect((await house.request('/v1/chat/completions', { key, body: ` \r\n${whole}\t\n ` })).status).toBe(200)
  })

  it('money never is a float', async () => {
    for (const [sent, kept] of [
      ['"0.1"', '0.1'],
      ['0.1', '0.1'],
      ['"0.123456789"', '0.123456789'],
      ['"999999999.999999999"', '999999999.999999999'],
      ['1e-9', '0.000000001'],
      ['0.30000000000000004', '0.300000001'],
      ['"0"', '0'],
    ]) {
      const body = `{"name":"x","budget":{"limit_usd":${sent},"window":"day"}}`
      const response = await house.request('/admin/v1/keys', { body })
      expect(response.status, sent).toBe(201)
      expect(((await response.json()) as { budget: { limit_usd: string } }).budget.limit_usd).toBe(kept)
    }
    for (const wrong of [
      '-1',
      '1e400',
      '"1e3"',
      '"NaN"',
      '"0x1"',
      '"1,5"',
      '"0.1234567891"',
      '1e10',
      'null',
      '""',
      '" 1"',
    ]) {
      const body = `{"name":"x","budget":{"limit_usd":${wrong},"window":"day"}}`
      await expectFetchedError(await house.request('/admin/v1/keys', { body }), 'invalid_parameter')
    }
  })

  it('an output cap beside null, or under both names, still holds', async () => {
    const budgeted = (await house.makeKey({ budget: { limit_usd: '5', window: 'day' } })).key
    for (const members of [
      '"max_tokens":null',
      '"max_completion_tokens":null',
      '"max_tokens":null,"max_completion_tokens":null',
    ]) {
      const body = `{"model":"up/gpt-4o-mini",${messages},${members}}`
      expect((await house.request('/v1/chat/completions', { key: budgeted, body })).status, members).toBe(200)
      const text = house.upstream.requests().at(-1)?.body ?? ''
      const sent = JSON.parse(text) as Record<string, number | null>
      // The library knows this model's context, 128,000, but not its output limit: the default holds.
      expect(sent['max_completion_tokens'] ?? sent['max_tokens'], text).toBe(4_096)
      for (const name of ['max_tokens', 'max_completion_tokens'])
        expect(text.split(`"${name}"`).length).toBeLessThanOrEqual(2)
    }
  })
})

describe('what is missing or empty', () => {
  it.each(['', '"model":"",', '"model":"  ",', '"model":null,'])('the model: %j', (model) =>
    precise(chat(`${model}${messages}`), 'model_missing', 'model'),
  )
  it.each(['1', 'true', '["demo"]', '{"id":"demo"}', JSON.stringify('x'.repeat(257)), '"a\\u0000b"', '"\\ud800"'])(
    'a model that is none: %s',
    (model) => precise(chat(`"model":${model},${messages}`), 'invalid_parameter', 'model'),
  )
  it.each(['"x":1', '"messages":[]', '"messages":null'])('the messages: %s', (rest) =>
    precise(chat(`"model":"demo",${rest}`), 'messages_empty', 'messages'),
  )
  it.each([
    ['"Hello"', 'messages'],
    ['{"role":"user"}', 'messages'],
    ['["Hello"]', 'messages[0]'],
    ['[null]', 'messages[0]'],
    ['[{"content":"Hello"}]', 'messages[0].role'],
    ['[{"role":1,"content":"Hello"}]', 'messages[0].role'],
    ['[{"role":"user","content":5}]', 'messages[0].content'],
    ['[{"role":"user","content":{"text":"x"}}]', 'messages[0].content'],
    ['[{"role":"user","content":["x"]}]', 'messages[0].content[0]'],
    ['[{"role":"system","content":"x"},{"role":"user","content":false}]', 'messages[1].content'],
  ])('messages that are none: %s', (value, param) =>
    precise(chat(`"model":"demo","messages":${value}`), 'invalid_parameter', param),
  )
  it.each([
    '[{"role":"user","content":""}]',
    '[{"role":"user","content":" \\n\\t "}]',
    '[{"role":"user","content":null}]',
    '[{"role":"user"}]',
    '[{"role":"user","content":[]}]',
    '[{"role":"user","content":[{"type":"text","text":" "}]}]',
    '[{"role":"user","content":[{"type":"text"}]}]',
  ])('the prompt: %s', (value) =>
    precise(chat(`"model":"demo","messages":${value}`), 'prompt_empty', 'messages[0].content'),
  )
  it.each(['"x":1', '"input":""', '"input":" "', '"input":null', '"input":[]'])('what to embed: %s', (rest) =>
    precise(embed(`"model":"demo",${rest}`), 'prompt_empty', 'input'),
  )
  it('one of the texts to embed', () => precise(embed('"model":"demo","input":["a",""]'), 'prompt_empty', 'input[1]'))
  it.each(['5', 'true', '{}', '[true]', '[null]', '[{}]'])('what cannot be embedded: %s', (value) =>
    precise(embed(`"model":"demo","input":${value}`), 'invalid_parameter', 'input'),
  )
  it.each([
    ['"stream":"yes"', 'stream'],
    ['"stream":1', 'stream'],
    ['"n":0', 'n'],
    ['"n":129', 'n'],
    ['"n":1.5', 'n'],
    ['"user":5', 'user'],
    ['"user":"a\\u0000"', 'user'],
    ['"stream_options":1', 'stream_options'],
  ])('a parameter of the wrong kind: %s', (rest, param) =>
    precise(chat(`"model":"demo",${messages},${rest}`), 'invalid_parameter', param),
  )
  it.each(['[]', 'null', '1', '"x"', 'true'])('a body that is no object: %s', async (body) => {
    await precise(house.request('/v1/chat/completions', { key, body }), 'invalid_parameter', 'body')
    await expectFetchedError(await house.request('/admin/v1/keys', { body }), 'invalid_parameter')
  })
  it('a body of too many members', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => `"x${index}":1`).join(',')
    await expectFetchedError(await chat(`"model":"demo",${messages},${many}`), 'invalid_parameter')
    const nested = `"model":"demo",${messages},"metadata":{${many}}`
    expect((await chat(nested)).status).toBe(200)
  })
})

describe('an unknown field of our own routes', () => {
  it.each([
    ['POST', '/admin/v1/keys', { nmae: 'x' }, 'nmae', 'name'],
    ['POST', '/admin/v1/keys', { name: 'x', Project: 'x' }, 'Project', 'project'],
    ['POST', '/admin/v1/keys', { name: 'x', 'expires-at': null }, 'expires-at', 'expires_at'],
    ['POST', '/admin/v1/projects', { name: 'x', idd: 'x' }, 'idd', 'id'],
    ['PATCH', '/admin/v1/keys/AAAAAAAAAAAA', { teir: 'pro' }, 'teir', 'tier'],
    [
      'POST',
      '/admin/v1/keys/AAAAAAAAAAAA/rotate',
      { overlap: 1, overlap_second: 1 },
      'overlap_second',
      'overlap_seconds',
    ],
    ['POST', '/admin/v1/keys/AAAAAAAAAAAA/revoke', { reasons: 'x' }, 'reasons', 'reason'],
  ])('%s %s names the nearest', async (method, path, body, wrong, right) => {
    const error = await expectFetchedError(await house.request(path, { method, body }), [
      'unknown_parameter',
      'invalid_parameter',
    ])
    expect(error.details.find(({ location }) => location === wrong)?.fix).toContain(`"${right}"`)
  })

  it.each([
    ['/admin/v1/keys?limt=1', 'limt', 'limit'],
    ['/admin/v1/usage?groupby=day', 'groupby', 'group_by'],
    ['/v1/usage?scop=key', 'scop', 'scope'],
    ['/admin/v1/audit?projekt=x', 'projekt', 'project'],
  ])('%s names the nearest', async (path, wrong, right) => {
    const response = await house.request(path, path.startsWith('/v1') ? { key } : {})
    const error = await expectFetchedError(response, 'unknown_parameter')
    expect(error.param).toBe(wrong)
    expect(error.details[0]?.fix).toContain(`"${right}"`)
  })

  it('none of these can be assigned', async () => {
    const { id } = await house.makeKey()
    for (const name of [
      'id',
      'key_id',
      'project_id',
      'spent',
      'spent_usd',
      'reserved',
      'role',
      'kind',
      'project',
      'secret',
      'hash',
      'revision',
      'budget_id',
      'created_at',
    ]) {
      const response = await house.request(`/admin/v1/keys/${id}`, { method: 'PATCH', body: { [name]: 'x' } })
      await expectFetchedError(response, 'unknown_parameter')
    }
    const budget = { limit_usd: '1', window: 'day', spent: '0' }
    const nested = await house.request('/admin/v1/keys', { body: { name: 'x', budget } })
    expect((await expectFetchedError(nested)).param).toMatch(/^budget/)
    await expectFetchedError(
      await house.request('/admin/v1/projects?dry_run=1', { body: { name: 'x' } }),
      'unknown_parameter',
    )
  })

  it('a flood of them is answered briefly', async () => {
    const flood = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`x${index}`, 1]))
    const response = await house.request('/admin/v1/keys', { body: { name: 'x', ...flood } })
    expect((await expectFetchedError(response, 'unknown_parameter')).details).not.toHaveLength(0)
    const long = await house.request('/admin/v1/keys', { body: { name: 'x', ['y'.repeat(60_000)]: 1 } })
    const text = await long.text()
    expect(text.length).toBeLessThan(2_500)
  })
})
