import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHouse } from './support/house.ts'

const page = 'https://app.example.org'
const image = { price: { image: '0.04' } }

/** A house with a judge, or none; and a provider that no route names. */
const build = async (judge: string | null) => {
  const other = await startUpstream()
  const house = await startHouse({
    environment: judge === null ? {} : { HEADGATE_SAFETY_MODERATION_MODEL: judge },
    config: {
      providers: { other: { kind: 'openai', base_url: `${other.url}/v1`, api_key: 'x' } },
      models: {
        'up/dall-e-3': image,
        'up/dall-e-2': image,
        'up/whisper-1': { price: { audio_minute: '0.006' } },
        'up/whisper-1;status=500': { price: { audio_minute: '0.006' } },
      },
      routes: {
        hear: { targets: { 'up/whisper-1;status=500': {} }, fallbacks: ['up/whisper-1'] },
        'hear-there': { targets: { 'up/whisper-1;status=500': {} } },
      },
    },
  })
  const secret = (await house.makeKey()).key
  const browser = (await house.makeKey({ kind: 'publishable', origins: [page] })).key
  const anonymous = (await house.makeKey({ tier: 'anonymous' })).key
  return { house, other, secret, browser, anonymous }
}
type Built = Awaited<ReturnType<typeof build>>

let judged: Built
let unjudged: Built
let late: Built
beforeAll(async () => {
  judged = await build('up/omni-moderation-latest')
  unjudged = await build(null)
  late = await build('up/omni-moderation-latest;status=500')
})
afterAll(() =>
  Promise.all(
    [judged, unjudged, late].map(async ({ house, other }) => {
      await house.stop()
      await other.close()
    }),
  ),
)

const draw = async ({ house }: Built, key: string, prompt: string, model = 'up/dall-e-3') => {
  const answer = await fetch(`${house.url}/v1/images/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, origin: page, 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt }),
  })
  const body = (await answer.json()) as { error?: { code: string } }
  return { status: answer.status, code: body.error?.code }
}
const drawn = ({ house }: Built) => pathsOf(house.upstream).filter((path) => path.includes('images')).length
const pathsOf = (upstream: Upstream) => upstream.truth().map(({ path }) => path)
const hear = ({ house }: Built, key: string, model: string) => {
  const form = new FormData()
  form.set('model', model)
  form.set('file', new Blob([Buffer.alloc(2_000)]), 'words.mp3')
  const headers = { authorization: `Bearer ${key}` }
  return fetch(`${house.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form })
}

describe('pictures for strangers', () => {
  it.each(['browser', 'anonymous'] as const)('are judged first for a key that is %s', async (who) => {
    const before = drawn(judged)
    expect(await draw(judged, judged[who], 'something that does harm')).toEqual({
      status: 422,
      code: 'content_refused',
    })
    expect(drawn(judged)).toBe(before)
    expect(await draw(judged, judged[who], 'a lighthouse')).toEqual({ status: 200, code: undefined })
    expect(drawn(judged)).toBe(before + 1)
  })

  it('are refused where nobody judges, and while the judge is away', async () => {
    for (const house of [unjudged, late]) {
      expect(await draw(house, house.browser, 'a lighthouse')).toEqual({ status: 422, code: 'content_not_judged' })
      expect(drawn(house)).toBe(0)
    }
  })

  it('are not changed from pictures of theirs', async () => {
    const form = new FormData()
    form.set('model', 'up/dall-e-2')
    form.set('image', new Blob([Buffer.alloc(64)]), 'mine.png')
    const headers = { authorization: `Bearer ${judged.anonymous}` }
    const answer = await fetch(`${judged.house.url}/v1/images/variations`, { method: 'POST', headers, body: form })
    expect(answer.status).toBe(422)
    expect(await answer.text()).toContain('content_not_judged')
  })

  it('are drawn by the demonstration, whose picture is the same harmless one', async () => {
    expect(await draw(unjudged, unjudged.browser, 'something that does harm', 'demo')).toMatchObject({ status: 200 })
  })

  it('leave secret keys of other tiers alone, and charge nobody for the judge', async () => {
    expect(await draw(unjudged, unjudged.secret, 'something that does harm')).toMatchObject({ status: 200 })
    await judged.house.settled()
    const usage = await (await judged.house.request('/v1/usage', { key: judged.anonymous })).text()
    expect(usage).not.toContain('moderation')
  })
})

describe('speech', () => {
  it('is heard by those whom the operator named, and by nobody else', async () => {
    const heard = await hear(judged, judged.secret, 'hear')
    expect(heard.status).toBe(200)
    expect(heard.headers.get('x-headgate-attempts')).toBe('2')
    expect((await hear(judged, judged.secret, 'hear-there')).status).toBeGreaterThanOrEqual(500)
    expect(pathsOf(judged.other).filter((path) => path.includes('audio'))).toEqual([])
  })
})
