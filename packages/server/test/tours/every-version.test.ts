import OpenAI from 'openai'
import OpenAI4, { toFile as toFile4 } from 'openai4'
import OpenAI6, { toFile as toFile6 } from 'openai6'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { House } from '../support/house.ts'
import { picture, pixel, prompt, recording, sound } from './support/media-tour.ts'
import { chatModel, type Step, take, words } from './support/step.ts'
import { startTour } from './support/targets.ts'

let house: House
let key: string
let baseURL: string
beforeAll(async () => {
  ;({ house, key, baseURL } = await startTour())
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]

/** Versions differ in their types and in how a file is wrapped; what is asked of them here they call the same. */
const official = [
  { version: '7.x', Client: OpenAI, picture, sound },
  {
    version: '6.x',
    Client: OpenAI6 as unknown as typeof OpenAI,
    picture: () => toFile6(pixel, 'pixel.png', { type: 'image/png' }),
    sound: () => toFile6(recording(), 'words.wav', { type: 'audio/wav' }),
  },
  {
    version: '4.x',
    Client: OpenAI4 as unknown as typeof OpenAI,
    picture: () => toFile4(pixel, 'pixel.png', { type: 'image/png' }) as unknown as Promise<File>,
    sound: () => toFile4(recording(), 'words.wav', { type: 'audio/wav' }) as unknown as Promise<File>,
  },
]

describe.each(official)('the official client $version', ({ Client, picture: image, sound: file }) => {
  const client = () => new Client({ apiKey: key, baseURL, maxRetries: 0 })
  const steps: readonly Step<OpenAI>[] = [
    [
      'chat',
      'chats',
      async ({ chat }, named) => {
        const { choices } = await chat.completions.create({ model: chatModel, messages }, named)
        expect(words(choices[0]?.message.content)).toBe(12)
      },
    ],
    [
      'chat',
      'streams a chat',
      async ({ chat }, named) => {
        const stream = await chat.completions.create({ model: chatModel, messages, stream: true }, named)
        let text = ''
        for await (const part of stream) text += part.choices[0]?.delta.content ?? ''
        expect(words(text)).toBe(12)
      },
    ],
    [
      'chat',
      'gets a response, finds it again and deletes it',
      async ({ responses }, named) => {
        const made = await responses.create({ model: chatModel, input: 'Hello' }, named)
        expect(words(made.output_text)).toBe(12)
        expect((await responses.retrieve(made.id)).output).toEqual(made.output)
        expect((await responses.inputItems.list(made.id)).data).toMatchObject([{ type: 'message', role: 'user' }])
        const { del } = responses as unknown as { del?: (id: string) => Promise<void> }
        await (del?.call(responses, made.id) ?? responses.delete(made.id))
        await expect(responses.retrieve(made.id)).rejects.toMatchObject({ status: 404 })
      },
    ],
    [
      'chat',
      'streams a response',
      async ({ responses }, named) => {
        const stream = await responses.create({ model: chatModel, input: 'Hello', stream: true }, named)
        const types: string[] = []
        for await (const { type } of stream) types.push(type)
        expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
      },
    ],
    [
      'chat',
      'gets a response in the background, and reads it on',
      async ({ responses }, named) => {
        const { id } = await responses.create({ model: chatModel, input: 'Hello', background: true }, named)
        const types: string[] = []
        for await (const { type } of await responses.retrieve(id, { stream: true, starting_after: 0 })) types.push(type)
        expect([types[0], types.at(-1)]).toEqual(['response.in_progress', 'response.completed'])
        await vi.waitFor(async () => expect((await responses.retrieve(id)).status).toBe('completed'), 15_000)
      },
    ],
    [
      'embeddings',
      'embeds',
      async ({ embeddings }, named) => {
        const { data } = await embeddings.create({ model: 'up/text-embedding-3-small', input: ['one', 'two'] }, named)
        expect(data.map(({ embedding }) => embedding.length > 100)).toEqual([true, true])
      },
    ],
    [
      'images',
      'makes pictures',
      async ({ images }, named) => {
        const { data } = await images.generate({ model: 'up/dall-e-3', prompt, n: 2 }, named)
        expect(data?.map(({ b64_json }) => b64_json)).toEqual([pixel.toString('base64'), pixel.toString('base64')])
      },
    ],
    [
      'image_edits',
      'changes a picture',
      async ({ images }, named) => {
        const { data } = await images.edit({ model: 'up/gpt-image-1', prompt, image: await image() }, named)
        expect(data).toHaveLength(1)
      },
    ],
    [
      'image_variations',
      'varies a picture',
      async ({ images }, named) => {
        const { data } = await images.createVariation({ model: 'up/dall-e-2', image: await image() }, named)
        expect(data).toHaveLength(1)
      },
    ],
    [
      'speech',
      'speaks',
      async ({ audio }, named) => {
        const spoken = { model: 'up/tts-1', voice: 'alloy', input: 'Hello', response_format: 'wav' } as const
        const bytes = Buffer.from(await (await audio.speech.create(spoken, named)).arrayBuffer())
        expect(bytes.toString('latin1', 0, 4)).toBe('RIFF')
      },
    ],
    [
      'transcriptions',
      'writes down what was said',
      async ({ audio }, named) => {
        const { text } = await audio.transcriptions.create({ model: 'up/whisper-1', file: await file() }, named)
        expect(text).toBe('one two three four five')
      },
    ],
    [
      'transcriptions',
      'streams what was said',
      async ({ audio }, named) => {
        const asked = { model: 'up/gpt-4o-transcribe', file: await file(), stream: true } as const
        const types: string[] = []
        for await (const { type } of await audio.transcriptions.create(asked, named)) types.push(type)
        expect(types.at(-1)).toBe('transcript.text.done')
      },
    ],
    [
      'translations',
      'translates what was said',
      async ({ audio }, named) => {
        const { text } = await audio.translations.create({ model: 'up/whisper-1', file: await file() }, named)
        expect(text).toBe('one two three four five')
      },
    ],
    [
      'moderations',
      'has texts judged',
      async ({ moderations }, named) => {
        const asked = { model: 'up/omni-moderation', input: ['a kind word', 'harm'] }
        const { results } = await moderations.create(asked, named)
        expect(results.map(({ flagged }) => flagged)).toEqual([false, true])
      },
    ],
  ]
  it.each(steps)('%s: %s', (...step) => take(house, key, client(), step))

  it('lists models and reads one', async () => {
    const names: string[] = []
    for await (const { id } of client().models.list()) names.push(id)
    expect(names).toEqual(expect.arrayContaining(['up/gpt-4o-mini', 'claude/claude-opus-5-5']))
    expect(await client().models.retrieve('up/gpt-4o-mini')).toMatchObject({ id: 'up/gpt-4o-mini', object: 'model' })
  })

  it.each(['parts=500;part-delay=20', 'delay=60000'])('cancels a response, begun or not: %s', async (script) => {
    const { responses } = client()
    const model = `up/gpt-4o-mini;${script}`
    const { id } = await responses.create({ model, input: 'Hello', background: true })
    await responses.cancel(id)
    await vi.waitFor(async () => expect((await responses.retrieve(id)).status).toBe('cancelled'), 15_000)
  })
})
