import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { ChatOpenAI, DallEAPIWrapper, OpenAIEmbeddings } from '@langchain/openai'
import { embed, generateImage, generateSpeech, generateText, streamText, transcribe } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { House } from '../support/house.ts'
import { pixel, prompt, recording } from './support/media-tour.ts'
import { chatModel, type Named, type Step, take, words } from './support/step.ts'
import { startTour } from './support/targets.ts'

let house: House
let key: string
let baseURL: string
beforeAll(async () => {
  ;({ house, key, baseURL } = await startTour())
})
afterAll(() => house.stop())

const messages = [{ role: 'user' as const, content: 'Hello' }]

describe('the Vercel AI SDK', () => {
  const once = { maxRetries: 0 } as const
  const steps: readonly Step<ReturnType<typeof createOpenAI>>[] = [
    [
      'chat',
      'gets a response',
      async (provider, named) => {
        const { text } = await generateText({ model: provider.responses(chatModel), prompt, ...named, ...once })
        expect(words(text)).toBe(12)
      },
    ],
    [
      'chat',
      'streams a response',
      async (provider, named) => {
        const stream = streamText({ model: provider.responses(chatModel), prompt, ...named, ...once })
        expect(words(await stream.text)).toBe(12)
        expect((await stream.usage).outputTokens).toBe(12)
      },
    ],
    [
      'embeddings',
      'embeds',
      async (provider, named) => {
        const model = provider.embedding('up/text-embedding-3-small')
        expect((await embed({ model, value: 'one', ...named, ...once })).embedding.length).toBeGreaterThan(100)
      },
    ],
    [
      'images',
      'makes a picture',
      async (provider, named) => {
        const { image } = await generateImage({ model: provider.image('up/dall-e-3'), prompt, ...named, ...once })
        expect(image.base64).toBe(pixel.toString('base64'))
      },
    ],
    [
      'image_edits',
      'changes a picture',
      async (provider, named) => {
        const model = provider.image('up/gpt-image-1')
        const { images } = await generateImage({ model, prompt: { text: prompt, images: [pixel] }, ...named, ...once })
        expect(images).toHaveLength(1)
      },
    ],
    [
      'speech',
      'speaks',
      async (provider, named) => {
        const model = provider.speech('up/tts-1')
        const { audio } = await generateSpeech({ model, text: 'Hello', outputFormat: 'wav', ...named, ...once })
        expect(Buffer.from(audio.uint8Array).toString('latin1', 0, 4)).toBe('RIFF')
      },
    ],
    [
      'transcriptions',
      'writes down what was said',
      async (provider, named) => {
        const model = provider.transcription('up/whisper-1')
        expect((await transcribe({ model, audio: recording(), ...named, ...once })).text).toBe(
          'one two three four five',
        )
      },
    ],
  ]
  it.each(steps)('%s: %s', (...step) => take(house, key, createOpenAI({ apiKey: key, baseURL }), step))
})

describe('LangChain', () => {
  const asked = ({ headers }: Named) => ({
    apiKey: key,
    maxRetries: 0,
    configuration: { baseURL, defaultHeaders: headers },
  })
  const chat = (named: Named) => new ChatOpenAI({ model: chatModel, useResponsesApi: true, ...asked(named) })
  const steps: readonly Step<null>[] = [
    ['chat', 'gets a response', async (_, named) => expect(words((await chat(named).invoke('Hello')).text)).toBe(12)],
    [
      'chat',
      'streams a response',
      async (_, named) => {
        let text = ''
        for await (const part of await chat(named).stream('Hello')) text += part.text
        expect(words(text)).toBe(12)
      },
    ],
    [
      'embeddings',
      'embeds',
      async (_, named) => {
        const embeddings = new OpenAIEmbeddings({ model: 'up/text-embedding-3-small', ...asked(named) })
        expect((await embeddings.embedQuery('one')).length).toBeGreaterThan(100)
      },
    ],
  ]
  it.each(steps)('%s: %s', (...step) => take(house, key, null, step))

  it('makes a picture', async () => {
    // This tool takes no headers, so its call has no name.
    const tool = new DallEAPIWrapper({
      model: 'up/dall-e-3',
      apiKey: key,
      baseUrl: baseURL,
      dallEResponseFormat: 'b64_json',
    })
    expect(await tool.invoke(prompt)).toBe(pixel.toString('base64'))
  })
})

describe('Anthropic’s client', () => {
  const client = () => new Anthropic({ apiKey: key, baseURL: house.url, maxRetries: 0 })
  const asked = { model: chatModel, max_tokens: 100, messages }
  const said = ({ content: [block] }: Anthropic.Message) => words(block?.type === 'text' ? block.text : '')
  const steps: readonly Step<Anthropic>[] = [
    [
      'chat',
      'gets a message',
      async (anthropic, named) => expect(said(await anthropic.messages.create(asked, named))).toBe(12),
    ],
    [
      'chat',
      'streams a message',
      async (anthropic, named) => expect(said(await anthropic.messages.stream(asked, named).finalMessage())).toBe(12),
    ],
  ]
  it.each(steps)('%s: %s', (...step) => take(house, key, client(), step))

  it('counts tokens', async () => {
    const { model } = asked
    expect((await client().messages.countTokens({ model, messages })).input_tokens).toBeGreaterThan(0)
  })
})
