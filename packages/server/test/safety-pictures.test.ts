import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from './support/house.ts'

/** Of nobody and nothing: a sun over a hill. */
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="400" height="300" fill="skyblue"/>
<circle cx="300" cy="80" r="40" fill="gold"/><ellipse cx="150" cy="320" rx="300" ry="120" fill="green"/></svg>`

let house: House
let blind: House
let harsh: House
let png: Buffer
let key: string
const keys = new Map<House, string>()
beforeAll(async () => {
  png = await sharp(Buffer.from(drawing)).png().toBuffer()
  const config = {
    safety_image_model: 'nsfwjs',
    safety_moderation_model: 'up/omni-moderation-latest',
    safety_judge_ms: 60_000,
    models: Object.fromEntries(
      ['up/dall-e-3', 'up/dall-e-2', 'up/pointing'].map((id) => [id, { price: { image: '0.01' } }]),
    ),
  }
  house = await startHouse({ config })
  // Everything is refused where a certainty of nothing is enough.
  harsh = await startHouse({ config: { ...config, safety_image_percent_main: 0 }, upstream: house.upstream })
  blind = await startHouse({ config: { ...config, safety_judge_ms: 1 }, upstream: house.upstream })
  for (const one of [house, harsh, blind]) keys.set(one, (await one.makeKey()).key)
  key = keys.get(house) as string
})
afterAll(async () => {
  await blind.stop()
  await harsh.stop()
  await house.stop()
})

interface Said {
  readonly status: number
  readonly code: string | undefined
  readonly warning: string | null
}
const said = async (answer: Response): Promise<Said> => ({
  status: answer.status,
  code: ((await answer.json()) as { error?: { code: string } }).error?.code,
  warning: answer.headers.get('x-headgate-warning'),
})
const chat = async (safe: string, url: string, of: House = house): Promise<Said> => {
  const content = [
    { type: 'text', text: 'What is it?' },
    { type: 'image_url', image_url: { url } },
  ]
  const body = { model: 'up/gpt-4o-mini', safe, messages: [{ role: 'user', content }] }
  return said(await of.request('/v1/chat/completions', { key: keys.get(of) as string, body }))
}
const edit = async (safe: string, picture: Buffer, of: House = house): Promise<Said> => {
  const form = new FormData()
  form.set('model', 'up/dall-e-2')
  form.set('prompt', 'A red door')
  form.set('safe', safe)
  form.set('image', new Blob([new Uint8Array(picture)]), 'picture.png')
  const headers = { authorization: `Bearer ${keys.get(of)}` }
  return said(await fetch(`${of.url}/v1/images/edits`, { method: 'POST', headers, body: form }))
}
const draw = async (safe: string, of: House = house, more: object = {}): Promise<Said> => {
  const body = { model: 'up/dall-e-3', prompt: 'A hill', safe, response_format: 'b64_json', ...more }
  return said(await of.request('/v1/images/generations', { key: keys.get(of) as string, body }))
}
const sent = () => house.upstream.requests().filter(({ path }) => !path.includes('moderations')).length

it('pictures that a model finds decent pass in prompts and answers, also under the strict policy', async () => {
  const url = `data:image/png;base64,${png.toString('base64')}`
  for (const safe of ['true', 'strict']) {
    expect(await chat(safe, url), safe).toMatchObject({ status: 200, warning: null })
    expect(await edit(safe, png), safe).toMatchObject({ status: 200, warning: null })
    expect(await draw(safe), safe).toMatchObject({ status: 200, warning: null })
  }
})

it('what it is surer of than its threshold is refused before the call, and an answer not shown', async () => {
  const url = `data:image/png;base64,${png.toString('base64')}`
  const before = sent()
  expect(await chat('true', url, harsh)).toMatchObject({ status: 422, code: 'content_refused' })
  expect(await edit('true', png, harsh)).toMatchObject({ status: 422, code: 'content_refused' })
  expect(sent()).toBe(before)
  expect(await draw('true', harsh)).toMatchObject({ status: 422, code: 'answer_blocked' })
  expect(sent()).toBe(before + 1)
  // Nothing is looked at where the policy is off.
  expect(await draw('false', harsh)).toMatchObject({ status: 200 })
  const { data } = (await (await harsh.request('/admin/v1/requests?verdict=refused&check=pictures')).json()) as {
    data: unknown[]
  }
  expect(data.length).toBeGreaterThan(0)
})

it('in doubt it is refused under the strict policy, and passes with a warning under the other', async () => {
  const broken = Buffer.from('no picture')
  for (const [what, ask] of [
    ['a picture that cannot be read', (safe: string) => edit(safe, broken)],
    ['a picture of which there is an address', (safe: string) => chat(safe, 'https://pictures.example/1.png')],
    ['one that takes too long', (safe: string) => edit(safe, png, blind)],
  ] as const) {
    expect(await ask('strict'), what).toMatchObject({ status: 422, code: 'content_not_judged' })
    expect(await ask('true'), what).toMatchObject({ status: 200, warning: expect.stringContaining('not judged') })
  }
})

it('pictures that come as a stream are refused under the strict policy', async () => {
  const body = { model: 'up/dall-e-3', prompt: 'A hill', stream: true, safe: 'strict' }
  expect(await said(await house.request('/v1/images/generations', { key, body }))).toMatchObject({
    status: 422,
    code: 'content_not_judged',
  })
})
