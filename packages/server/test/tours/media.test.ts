import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usageOf } from './support/targets.ts'
import { type MediaTour, picture, pixel, prompt, read, sound, startMediaTour } from './support/media-tour.ts'

let tour: MediaTour
let { booksOf, client, house, key, rows, upstream } = {} as MediaTour
beforeAll(async () => {
  tour = await startMediaTour()
  ;({ booksOf, client, house, key, rows, upstream } = tour)
})
afterAll(() => tour.stop())

describe('images', () => {
  it('are made, counted and priced by their kind, and the request goes upstream as it was written', async () => {
    const { data, response } = await client.images
      .generate({ model: 'up/dall-e-3', prompt, n: 2, size: '1024x1792', quality: 'hd', style: 'vivid' })
      .withResponse()
    expect(data.data?.map(({ b64_json }) => b64_json)).toEqual([pixel.toString('base64'), pixel.toString('base64')])
    const { row, truth } = await booksOf(response)
    expect(row).toMatchObject({
      operation: 'images',
      images: 2,
      estimated: false,
      cost_usd: '0.24',
      outcome: 'complete',
    })
    expect(truth).toMatchObject([{ images: 2, outcome: 'complete' }])
    expect(response.headers.get('x-headgate-cost-usd')).toBe('0.24')
    const sent = upstream.requests().at(-1)
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      model: 'dall-e-3',
      prompt,
      n: 2,
      size: '1024x1792',
      quality: 'hd',
      style: 'vivid',
    })
  })

  it('are priced by the tokens of a model that counts them, and by an estimate where it does not', async () => {
    const told = await client.images.generate({ model: 'up/gpt-image-1', prompt }).withResponse()
    const { row, truth } = await booksOf(told.response)
    expect(row).toMatchObject({
      images: 1,
      estimated: false,
      input_tokens: truth[0]?.prompt_tokens,
      output_tokens: truth[0]?.produced_tokens,
    })
    const silent = await client.images
      .generate({ model: 'up/gpt-image-1;usage=missing', prompt, size: '1024x1024' })
      .withResponse()
    const estimated = (await booksOf(silent.response)).row
    expect(estimated).toMatchObject({ images: 1, estimated: true })
    expect(Number(estimated['cost_usd'])).toBeGreaterThan(0.1)
  })

  it('stream as partial images, with one row and the tokens of the last event', async () => {
    const { data: stream, response } = await client.images
      .generate({ model: 'up/gpt-image-1', prompt, stream: true, partial_images: 2 })
      .withResponse()
    const events = await read(stream)
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    const { row, truth } = await booksOf(response)
    expect(row).toMatchObject({ stream: true, images: 1, output_tokens: truth[0]?.produced_tokens, estimated: false })
  })

  it('that break off are errors, and one row each', async () => {
    for (const cut of [';cut-at-part=1', ';rst-at-part=1', ';error-at-part=1']) {
      const stream = await client.images.generate({ model: `up/gpt-image-1${cut}`, prompt, stream: true })
      await expect(read(stream), cut).rejects.toThrow(OpenAI.APIError)
    }
    const before = await rows()
    await expect(
      client.images.generate({ model: 'up/dall-e-3;cut-at-byte=5000;size=3000000', prompt }),
    ).rejects.toMatchObject({ status: 502 })
    expect(await rows()).toBe(before + 1)
  })

  it('are changed and varied by a form that goes on as it came', async () => {
    const edit = await client.images
      .edit({ model: 'up/gpt-image-1', prompt, image: [await picture(), await picture()], n: 2 })
      .withResponse()
    expect(edit.data.data).toHaveLength(2)
    const { row, truth } = await booksOf(edit.response)
    expect(row).toMatchObject({ operation: 'image_edits', images: 2, input_tokens: truth[0]?.prompt_tokens })
    expect(Number(row['cost_usd'])).toBeCloseTo(
      ((truth[0]?.prompt_tokens ?? 0) - 200) * 5e-6 + 200 * 10e-6 + 2_000 * 40e-6,
      9,
    )
    const sent = upstream.requests().at(-1)
    expect(sent?.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/)
    expect(sent?.body).toContain('\r\ngpt-image-1\r\n')
    const vary = await client.images.createVariation({ model: 'up/dall-e-3', image: await picture() }).withResponse()
    expect((await booksOf(vary.response)).row).toMatchObject({ operation: 'image_variations', cost_usd: '0.04' })
  })

  it('of several mebibytes pass whole', async () => {
    const { data, response } = await client.images
      .generate({ model: 'up/dall-e-3;size=3000000', prompt })
      .withResponse()
    expect(data.data?.[0]?.b64_json?.length).toBeGreaterThanOrEqual(3_000_000)
    expect((await booksOf(response)).row).toMatchObject({ images: 1, cost_usd: '0.04' })
  })
})

it('a caller who leaves while a picture is made owes it', async () => {
  const leaving = new AbortController()
  const requestId = 'left-alone'
  const asked = client.images.generate(
    { model: 'up/dall-e-3;delay=20000', prompt },
    { signal: leaving.signal, headers: { 'x-request-id': requestId } },
  )
  await expect
    .poll(() => upstream.truth().some(({ path, outcome }) => path.endsWith('generations') && outcome === 'open'))
    .toBe(true)
  leaving.abort()
  await expect(asked).rejects.toThrow()
  await expect.poll(async () => (await house.request(`/v1/usage/${requestId}`, { key })).status).toBe(200)
  const row = await usageOf(house, key, requestId)
  expect(row).toMatchObject({ outcome: 'client_gone', images: 1, cost_usd: '0.04', estimated: true, attempts: 1 })
})

it('a retry by the same Idempotency-Key gets the same sound, and is not paid again', async () => {
  const before = await rows()
  const speak = () =>
    client.audio.speech.create(
      { model: 'up/tts-1', voice: 'alloy', input: 'Once', response_format: 'wav' },
      { headers: { 'idempotency-key': 'spoken-once' } },
    )
  const first = Buffer.from(await (await speak()).arrayBuffer())
  const again = await speak()
  expect(Buffer.from(await again.arrayBuffer()).equals(first)).toBe(true)
  expect([again.headers.get('content-type'), again.headers.get('idempotent-replayed')]).toEqual(['audio/wav', 'true'])
  expect(await rows()).toBe(before + 1)
})

describe('speech', () => {
  it('comes as bytes of its type, priced by the character, its length read from them', async () => {
    const response = await client.audio.speech.create({
      model: 'up/tts-1',
      voice: 'alloy',
      input: 'Hello there',
      response_format: 'wav',
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(response.headers.get('content-type')).toBe('audio/wav')
    const { row, truth } = await booksOf(response)
    expect(bytes.length).toBe(44 + (truth[0]?.audio_ms ?? 0) * 48)
    expect(row).toMatchObject({
      operation: 'speech',
      characters: 11,
      audio_seconds: 0.66,
      cost_usd: '0.000165',
      outcome: 'complete',
    })
    const mp3 = await client.audio.speech.create({ model: 'up/tts-1', voice: 'alloy', input: 'Hello there' })
    expect(mp3.headers.get('content-type')).toBe('audio/mpeg')
    await mp3.arrayBuffer()
    const length = (await booksOf(mp3)).row['audio_seconds']
    expect(Math.abs(Number(length) - 0.66)).toBeLessThan(0.03)
  })

  it('that breaks off never ends cleanly, and owes its characters', async () => {
    const input = 'Many words to be spoken'.repeat(20)
    for (const cut of [';cut-at-byte=5000;cut=fin', ';cut-at-byte=5000']) {
      const response = await client.audio.speech.create({
        model: `up/tts-1${cut}`,
        voice: 'a',
        input,
        response_format: 'wav',
      })
      const isUndeclared = cut === ';cut-at-byte=5000'
      // A body without length and chunks ends where its connection ends: nobody can tell that from its whole.
      if (isUndeclared) await response.arrayBuffer()
      else await expect(response.arrayBuffer(), cut).rejects.toThrow()
      const { row } = await booksOf(response)
      expect(row).toMatchObject({ outcome: isUndeclared ? 'complete' : 'upstream_cut', characters: input.length })
    }
  })

  it('streams as events', async () => {
    const ask = (model: string) =>
      fetch(`${house.url}/v1/audio/speech`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, voice: 'alloy', input: 'Hello there', stream_format: 'sse' }),
      })
    const whole = await ask('up/tts-1')
    expect(whole.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await whole.text()).toMatch(/event: speech\.audio\.done\n.*\n\n$/)
    expect((await booksOf(whole)).row).toMatchObject({ characters: 11, stream: true, outcome: 'complete' })
    const cut = await ask('up/tts-1;no-done')
    expect(await cut.text()).toContain('upstream_truncated')
    expect((await booksOf(cut)).row).toMatchObject({ outcome: 'upstream_cut' })
  })
})

describe('transcripts', () => {
  it('are written in every format, and priced by the length of the recording', async () => {
    for (const format of ['json', 'verbose_json', 'text', 'srt', 'vtt'] as const) {
      const { data, response } = await client.audio.transcriptions
        .create({ model: 'up/whisper-1;usage=missing', file: await sound(), response_format: format })
        .withResponse()
      expect(typeof data === 'string' ? data : data.text).toContain('one two three four five')
      expect((await booksOf(response)).row, format).toMatchObject({ audio_seconds: 2.5, cost_usd: '0.00025' })
    }
    const translated = await client.audio.translations
      .create({ model: 'up/whisper-1', file: await sound() })
      .withResponse()
    expect(translated.data.text).toBe('one two three four five')
    expect((await booksOf(translated.response)).row).toMatchObject({
      operation: 'translations',
      audio_seconds: 2.5,
      estimated: false,
    })
  })

  it('stream as events, by tokens', async () => {
    const { data: stream, response } = await client.audio.transcriptions
      .create({ model: 'up/gpt-4o-transcribe', file: await sound(), stream: true })
      .withResponse()
    expect((await read(stream)).at(-1)?.type).toBe('transcript.text.done')
    expect((await booksOf(response)).row).toMatchObject({ input_tokens: 25, output_tokens: 5, cost_usd: '0.0002' })
    const cut = await client.audio.transcriptions.create({
      model: 'up/gpt-4o-transcribe;cut-at-part=1',
      file: await sound(),
      stream: true,
    })
    await expect(read(cut)).rejects.toThrow(OpenAI.APIError)
  })
})

it('moderations are judged', async () => {
  const { data, response } = await client.moderations
    .create({ model: 'up/omni-moderation', input: ['a kind word', 'harm'] })
    .withResponse()
  expect(data.results.map(({ flagged }) => flagged)).toEqual([false, true])
  expect((await booksOf(response)).row).toMatchObject({ operation: 'moderations', cost_usd: '0' })
})
