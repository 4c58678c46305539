import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MediaTour, picture, pixel, prompt, read, recording, sound, startMediaTour } from './support/media-tour.ts'

let tour: MediaTour
let { booksOf, client, house, id, key, rows } = {} as MediaTour
beforeAll(async () => {
  tour = await startMediaTour()
  ;({ booksOf, client, house, id, key, rows } = tour)
})
afterAll(() => tour.stop())

describe('what goes wrong', () => {
  it('upstream is an error that says so, and one row, whatever it answers with status 200', async () => {
    const before = await rows()
    for (const script of ['empty', 'html', 'status=500', 'status=429', 'rst-before-headers']) {
      const model = `up/unpriced;${script}`
      await expect(client.images.generate({ model, prompt }), script).rejects.toThrow(OpenAI.APIError)
      await expect(client.audio.speech.create({ model, voice: 'a', input: 'x' }), script).rejects.toThrow(
        OpenAI.APIError,
      )
      await expect(client.audio.transcriptions.create({ model, file: await sound() }), script).rejects.toThrow(
        OpenAI.APIError,
      )
      await expect(client.moderations.create({ model, input: 'x' }), script).rejects.toThrow(OpenAI.APIError)
    }
    expect(await rows()).toBe(before + 20)
  })

  it('in a request is told with the place and the fix', async () => {
    const faultOf = async (path: string, body: unknown, type = 'application/json') => {
      const answer = await fetch(`${house.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, ...(type !== '' && { 'content-type': type }) },
        body: body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
      })
      const { error } = (await answer.json()) as {
        error: { code: string; details?: { location: string; fix: string }[] }
      }
      return [answer.status, error.code, error.details?.[0]?.location, error.details?.[0]?.fix !== undefined]
    }
    const form = (fields: Record<string, string | Buffer>) => {
      const made = new FormData()
      for (const [name, value] of Object.entries(fields))
        if (typeof value === 'string') made.set(name, value)
        else made.set(name, new Blob([new Uint8Array(value)]), 'file')
      return made
    }
    const model = 'up/dall-e-3'
    const before = await rows()
    expect(await faultOf('/v1/images/generations', { model, prompt: ' ' })).toEqual([
      400,
      'prompt_empty',
      'prompt',
      true,
    ])
    expect(await faultOf('/v1/images/generations', { model, prompt, n: 11 })).toEqual([
      400,
      'invalid_parameter',
      'n',
      true,
    ])
    expect(await faultOf('/v1/images/generations', { prompt })).toEqual([400, 'model_missing', 'model', true])
    expect(await faultOf('/v1/audio/speech', { model, input: '', voice: 'a' })).toEqual([
      400,
      'prompt_empty',
      'input',
      true,
    ])
    expect(await faultOf('/v1/moderations', { model, input: ['a', ''] })).toEqual([
      400,
      'prompt_empty',
      'input[1]',
      true,
    ])
    expect(await faultOf('/v1/images/edits', form({ model, prompt: '', image: pixel }), '')).toEqual([
      400,
      'prompt_empty',
      'prompt',
      true,
    ])
    expect(await faultOf('/v1/images/edits', form({ model, prompt }), '')).toEqual([
      400,
      'invalid_parameter',
      'image',
      true,
    ])
    expect(await faultOf('/v1/audio/transcriptions', form({ model, file: Buffer.alloc(0) }), '')).toEqual([
      400,
      'invalid_parameter',
      'file',
      true,
    ])
    expect(await faultOf('/v1/audio/transcriptions', form({ model, file: recording(8, 1_000) }), '')).toEqual([
      400,
      'invalid_parameter',
      'file',
      true,
    ])
    expect((await faultOf('/v1/images/edits', 'no form', 'multipart/form-data; boundary=x')).slice(0, 2)).toEqual([
      400,
      'invalid_multipart',
    ])
    expect((await faultOf('/v1/images/edits', '--x\r\n', 'multipart/form-data')).slice(0, 2)).toEqual([
      400,
      'invalid_multipart',
    ])
    expect((await faultOf('/v1/images/edits', {})).slice(0, 2)).toEqual([415, 'unsupported_media_type'])
    expect((await faultOf('/v1/images/generations', form({ model, prompt }), '')).slice(0, 2)).toEqual([
      415,
      'unsupported_media_type',
    ])
    expect(
      (await faultOf('/v1/audio/transcriptions', form({ model, file: Buffer.alloc(300_000) }), '')).slice(0, 2),
    ).toEqual([413, 'request_too_large'])
    expect(await rows()).toBe(before)
  })

  it('is a price that nobody knows: refused where a budget applies, else flagged and never 0', async () => {
    const unknown = await client.images.generate({ model: 'up/new-image-model', prompt }).withResponse()
    expect((await booksOf(unknown.response)).row).toMatchObject({ images: 1, cost_usd: null })
    const { key: bounded } = await house.makeKey({ budget: { limit_usd: '0.1', window: 'total' } })
    const poor = new OpenAI({ apiKey: bounded, baseURL: `${house.url}/v1`, maxRetries: 0 })
    await expect(poor.images.generate({ model: 'up/new-image-model', prompt })).rejects.toMatchObject({
      code: 'price_unknown',
    })
    // A price of tokens says nothing of characters, and one of images nothing of a conversation.
    await expect(poor.audio.speech.create({ model: 'up/dall-e-3', voice: 'a', input: 'x' })).rejects.toMatchObject({
      code: 'operation_not_supported',
    })
    await poor.images.generate({ model: 'up/dall-e-3', prompt, n: 2 })
    await expect(poor.images.generate({ model: 'up/dall-e-3', prompt, n: 1 })).rejects.toMatchObject({
      code: 'budget_exceeded',
    })
    await expect(poor.images.generate({ model: 'up/dall-e-3', prompt, n: 3 })).rejects.toMatchObject({
      code: 'budget_exceeded',
    })
  })

  it('is a limit of images or of seconds that is used up', async () => {
    for (const [name, unit, limit] of [
      ['pictures', 'images', 3],
      ['hearing', 'audio_seconds', 6],
    ] as const)
      await house.request(`/admin/v1/limits/policies/${name}`, {
        method: 'PUT',
        body: { unit, limit, window_seconds: 3_600, per: ['key'], match: { keys: [id] } },
      })
    const chat = { model: 'demo', messages: [{ role: 'user' as const, content: 'Hi' }] }
    await client.images.generate({ model: 'demo', prompt, n: 2, size: '16x16' })
    await expect(client.images.generate({ model: 'demo', prompt, n: 2, size: '16x16' })).rejects.toMatchObject({
      status: 429,
    })
    await client.audio.transcriptions.create({ model: 'demo', file: await sound() })
    await client.audio.transcriptions.create({ model: 'demo', file: await sound() })
    await expect(client.audio.transcriptions.create({ model: 'demo', file: await sound() })).rejects.toMatchObject({
      status: 429,
    })
    await client.chat.completions.create(chat)
  })
})

describe('the demo model', () => {
  it('draws, speaks, writes down and judges without any provider', async () => {
    const { key: own } = await house.makeKey()
    const demo = new OpenAI({ apiKey: own, baseURL: `${house.url}/v1`, maxRetries: 0 })
    const ask = () => demo.images.generate({ model: 'demo', prompt, size: '64x32' })
    const [one, other] = [await ask(), await ask()]
    const png = Buffer.from(one.data?.[0]?.b64_json ?? '', 'base64')
    expect(png.toString('latin1', 1, 4)).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([64, 32])
    expect(one.data).toEqual(other.data)
    const events = await read(
      await demo.images.generate({ model: 'demo', prompt, size: '16x16', stream: true, partial_images: 1 }),
    )
    expect(events.map(({ type }) => type)).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    const edited = await demo.images.edit({ model: 'demo', prompt, image: await picture(), size: '1024x1024' })
    expect(edited.data).toHaveLength(1)
    const spoken = await demo.audio.speech.create({ model: 'demo', voice: 'alloy', input: 'Hello to all of you' })
    const wav = Buffer.from(await spoken.arrayBuffer())
    expect([spoken.headers.get('content-type'), wav.toString('latin1', 0, 4)]).toEqual(['audio/wav', 'RIFF'])
    const heard = await demo.audio.transcriptions.create({
      model: 'demo',
      file: await toFile(wav, 'a.wav'),
      response_format: 'srt',
    })
    expect(heard).toContain('00:00:00,000 --> 00:00:01,200')
    expect((await demo.moderations.create({ model: 'demo', input: 'x' })).results).toMatchObject([{ flagged: false }])
  })
})
