import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import OpenAI, { toFile } from 'openai'
import { type House, startHouse } from '../../support/house.ts'
import { usageOf } from './targets.ts'

export const prompt = 'A lighthouse in a storm'
/** A PNG of one pixel. */
export const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
export const picture = () => toFile(pixel, 'pixel.png', { type: 'image/png' })
/** Silence, 8 kHz, 8 bits; its header says how many bytes a second takes. */
export const recording = (seconds = 2.5, bytesPerSecond = 8_000) => {
  const data = Buffer.alloc(seconds * 8_000)
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(bytesPerSecond, 28)
  header.write('data', 36, 'latin1')
  return Buffer.concat([header, data])
}
export const sound = (seconds?: number) => toFile(recording(seconds), 'words.wav', { type: 'audio/wav' })

const scripted = (name: string, scripts: readonly string[], price: object) =>
  Object.fromEntries(['', ...scripts].map((script) => [`up/${name}${script}`, { price }]))
const cuts = [
  ';cut-at-byte=5000',
  ';cut-at-byte=5000;cut=fin',
  ';rst-at-part=1',
  ';cut-at-part=1',
  ';no-done',
  ';error-at-part=1',
]

/** A house with priced models of every kind in front of the scripted upstream, and how its books are read. */
export interface MediaTour {
  readonly upstream: Upstream
  readonly house: House
  readonly id: string
  readonly key: string
  readonly client: OpenAI
  /** The ledger's row of a call, and what the upstream says of it. */
  readonly booksOf: (response: Pick<Response, 'headers'>) => Promise<{
    row: Record<string, unknown>
    truth: ReturnType<Upstream['truthOf']>
  }>
  /** Rows of the key. */
  readonly rows: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** Everything that a stream brings. */
export const read = async (stream: AsyncIterable<unknown>): Promise<{ type: string }[]> => {
  const events: { type: string }[] = []
  for await (const event of stream) events.push(event as { type: string })
  return events
}

/** Boots it. */
export const startMediaTour = async (): Promise<MediaTour> => {
  const upstream = await startUpstream()
  const house = await startHouse({
    upstream,
    environment: {
      HEADGATE_MEDIA_MAX_IMAGE_BYTES: '200000',
      HEADGATE_MEDIA_MAX_AUDIO_BYTES: '200000',
      HEADGATE_MEDIA_MAX_AUDIO_SECONDS: '60',
    },
    config: {
      models: {
        ...scripted('dall-e-3', [...cuts, ';size=3000000', ';delay=20000'], {
          image: '0.04',
          images: { 'hd/1024x1792': '0.12' },
        }),
        ...scripted('gpt-image-1', [...cuts, ';usage=missing'], { input: '5', output: '40', media_input: '10' }),
        ...scripted('tts-1', cuts, { characters: '15' }),
        ...scripted('whisper-1', [';usage=missing'], { audio_minute: '0.006' }),
        ...scripted('gpt-4o-transcribe', cuts, { input: '2.5', output: '10', media_input: '6' }),
        ...scripted('omni-moderation', [], { per_request: '0' }),
      },
    },
  })
  const { id, key } = await house.makeKey()
  const client = new OpenAI({ apiKey: key, baseURL: `${house.url}/v1`, maxRetries: 0 })
  return {
    upstream,
    house,
    id,
    key,
    client,
    booksOf: async (response) => {
      const request = response.headers.get('x-request-id') as string
      return { row: await usageOf(house, key, request), truth: upstream.truthOf(request) }
    },
    rows: async () => {
      await house.settled()
      const answer = await house.request('/v1/usage?limit=1', { key })
      return ((await answer.json()) as { totals: { requests: number } }).totals.requests
    },
    stop: async () => {
      await house.stop()
      await upstream.close()
    },
  }
}
