import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomBytes } from 'node:crypto'
import { type House, startHouse } from './support/house.ts'
import { pixel, recording } from './tours/support/media-tour.ts'

let house: House
let replica: House
let secret: string
beforeAll(async () => {
  const config = {
    safety_moderation_model: 'up/omni-moderation-latest',
    safety_block: { names: { texts: ['Project Bluebird'] } },
    safety_projects: { fixed: 'main' },
    media_text_model: 'up/gpt-4o-mini',
    media_image_model: 'up/dall-e-3',
    models: Object.fromEntries(
      ['dall-e-3', 'dall-e-2', 'tts-1', 'whisper-1', 'text-embedding-3-small'].map((name) => [
        `up/${name}`,
        { price: { image: '0.01', characters: '1', audio_minute: '0.01', input: '1', output: '1' } },
      ]),
    ),
  }
  const environment = { HEADGATE_ROOT_KEY: randomBytes(32).toString('base64') }
  house = await startHouse({ config, environment })
  replica = await startHouse({
    config,
    environment,
    databaseUrl: house.databaseUrl,
    upstream: house.upstream,
  })
  for (const id of ['shop', 'fixed']) await house.request('/admin/v1/projects', { body: { id, name: id } })
  secret = (await house.makeKey()).key
})
afterAll(async () => {
  await replica.stop()
  await house.stop()
})

const text = 'up/gpt-4o-mini'
const files = { image: new Blob([new Uint8Array(pixel)]), file: new Blob([new Uint8Array(recording())]) }

/** How each entry is asked; a form where it takes files. */
const entries: readonly [path: string, body: (prompt: string) => object][] = [
  ['/v1/chat/completions', (prompt) => ({ model: text, messages: [{ role: 'user', content: prompt }] })],
  ['/v1/completions', (prompt) => ({ model: text, prompt })],
  ['/v1/responses', (input) => ({ model: text, input })],
  ['/v1/messages', (content) => ({ model: text, max_tokens: 9, messages: [{ role: 'user', content }] })],
  ['/v1/embeddings', (input) => ({ model: 'up/text-embedding-3-small', input })],
  ['/v1/images/generations', (prompt) => ({ model: 'up/dall-e-3', prompt })],
  ['/v1/images/edits', (prompt) => ({ model: 'up/dall-e-2', prompt, image: files.image })],
  ['/v1/images/variations', (prompt) => ({ model: 'up/dall-e-2', note: prompt, image: files.image })],
  ['/v1/audio/speech', (input) => ({ model: 'up/tts-1', voice: 'alloy', input })],
  ['/v1/audio/transcriptions', (prompt) => ({ model: 'up/whisper-1', prompt, file: files.file })],
  ['/v1/audio/translations', (prompt) => ({ model: 'up/whisper-1', prompt, file: files.file })],
  ['/text/', (prompt) => ({ prompt })],
  ['/image/', (prompt) => ({ prompt })],
]

const ask = (path: string, body: object, safe: string, key: string): Promise<Response> => {
  const headers = { authorization: `Bearer ${key}` }
  if (!path.startsWith('/v1'))
    return fetch(
      `${house.url}${path}${encodeURIComponent((body as { prompt: string }).prompt)}${safe && `?safe=${safe}`}`,
      { headers },
    )
  const fields: Record<string, unknown> = {
    ...(safe !== '' && { safe: safe === 'strict' ? safe : safe === 'true' }),
    ...body,
  }
  if (!Object.values(fields).some((value) => value instanceof Blob))
    return fetch(house.url + path, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    })
  const form = new FormData()
  for (const [name, value] of Object.entries(fields))
    if (value instanceof Blob) form.set(name, value, 'file')
    else form.set(name, String(value))
  return fetch(house.url + path, { method: 'POST', headers, body: form })
}
const askedOf = () => house.upstream.requests().filter(({ path }) => !path.includes('moderations'))
const codeOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { error: { code: string } }).error.code

describe.each(entries)('safe at %s', (path, body) => {
  it('has the project’s policy made stricter, never looser', async () => {
    const blocked = body('Tell me of Project Bluebird')
    const before = askedOf().length
    for (const safe of ['true', 'strict']) {
      const answer = await ask(path, blocked, safe, secret)
      expect([safe, answer.status]).toEqual([safe, 422])
      expect(['content_refused', 'content_not_judged']).toContain(await codeOf(answer))
    }
    expect(askedOf().length).toBe(before)
    expect((await ask(path, blocked, '', secret)).status).toBe(200)
    expect((await ask(path, blocked, 'false', secret)).status).toBe(200)
  })

  it('does not go on to the provider, and what is personal does not either', async () => {
    const answer = await ask(path, body('my mail is a@example.org'), 'true', secret)
    expect(answer.status, await answer.clone().text()).toBe(200)
    expect(answer.headers.get('x-headgate-warning')).toBeNull()
    const sent = askedOf().at(-1)?.body ?? ''
    // The variation has no words of its own, only a field that nobody knows.
    if (!path.includes('variations')) expect(sent).toContain('[redacted:email]')
    // Those that draw have a switch of this name.
    if (!path.startsWith('/image') && !path.includes('generations')) expect(sent).not.toMatch(/"safe"/)
    else expect(JSON.parse(sent)).toMatchObject({ safe: true })
  })
})

describe('the safety policy of a project', () => {
  const path = '/admin/v1/projects/shop/safety-policy'
  const policyOf = async (url: string) => (await house.request(url)).json() as Promise<Record<string, unknown>>

  it('is set, shown and taken back by operators, on every replica', async () => {
    const shop = (await house.makeKey({ project: 'shop' })).key
    const chat = async (of: House) =>
      (
        await of.request('/v1/chat/completions', {
          key: shop,
          body: { model: text, messages: [{ role: 'user', content: 'project bluebird' }] },
        })
      ).status
    const becomes = async (of: House, status: number): Promise<void> => {
      await expect.poll(() => chat(of), { timeout: 5_000, interval: 100 }).toBe(status)
    }
    expect(await policyOf(path)).toMatchObject({ policy: 'off', source: 'default', changed_at: null })
    await becomes(replica, 200)
    const put = await house.request(path, { method: 'PUT', body: { policy: 'demo' } })
    expect(await put.json()).toMatchObject({
      object: 'safety_policy',
      project: 'shop',
      policy: 'demo',
      source: 'operator',
      checks: {
        block_lists: ['names'],
        moderation_model: 'up/omni-moderation-latest',
        answers_moderated: true,
        in_doubt: 'refuse',
      },
    })
    expect(await chat(house)).toBe(422)
    await becomes(replica, 422)
    expect(await policyOf(path)).toMatchObject({ policy: 'demo', changed_at: expect.stringMatching(/^\d{4}-/) })
    expect((await house.request(path, { method: 'DELETE' })).status).toBe(200)
    expect(await chat(house)).toBe(200)
    await becomes(replica, 200)
    expect((await house.request(path, { method: 'DELETE' })).status).toBe(404)
  })

  it('is refused where it is none, its project is none, or the configuration has one', async () => {
    const put = async (project: string, policy: string) => {
      const answer = await house.request(`/admin/v1/projects/${project}/safety-policy`, {
        method: 'PUT',
        body: { policy },
      })
      return [answer.status, await codeOf(answer)]
    }
    expect(await put('shop', 'lax')).toEqual([400, 'invalid_parameter'])
    expect(await put('nobody', 'main')).toEqual([404, 'resource_not_found'])
    expect(await put('fixed', 'off')).toEqual([400, 'invalid_parameter'])
    expect(await policyOf('/admin/v1/projects/fixed/safety-policy')).toMatchObject({
      policy: 'main',
      source: 'configuration',
    })
  })
})
