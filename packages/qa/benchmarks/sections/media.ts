import { join } from 'node:path'
import type { Bench } from '../bench-table.ts'
import { startGateway } from '../gateway.ts'
import type { Sample } from '../load.ts'
import { addedTo, interleave, medianOf, perCall, ratioOf, type Way } from '../rounds.ts'

const CALLS_PER_ROUND = 150
const CONCURRENCY = 4

/** An endpoint whose answer is large and passes as it comes. */
const kinds = {
  images: {
    path: '/v1/images/generations',
    // A picture of about a megabyte, as base64 within JSON.
    model: 'dall-e-3;size=1000000',
    asked: { prompt: 'A house by the sea', response_format: 'b64_json' },
    price: { image: '0.04' },
  },
  speech: {
    path: '/v1/audio/speech',
    model: 'tts-1',
    // Some 27 seconds of sound: 1.3 MB of WAV.
    asked: { voice: 'alloy', response_format: 'wav', input: 'Many words to be spoken. '.repeat(20) },
    price: { characters: '15' },
  },
} as const

/** What pictures and sound cost on their way through. */
export const media = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl, trivial } = bench
  const gateway = await startGateway({
    upstreamUrl,
    models: [],
    config: { models: Object.fromEntries(Object.values(kinds).map(({ model, price }) => [`up/${model}`, { price }])) },
    folder: join(bench.folder, 'media'),
  })
  try {
    const authorization = `Bearer ${await gateway.makeKey()}`
    for (const [name, { path, model, asked }] of Object.entries(kinds)) {
      const body = (named: string) => JSON.stringify({ model: named, ...asked })
      const ways = {
        direct: { pids: [], call: { origin: upstreamUrl, headers: {}, path, body: body(model) } },
        trivial: { pids: [trivial.pid], call: { origin: trivial.url, headers: {}, path, body: body(model) } },
        headgate: {
          pids: [gateway.pid],
          call: { origin: gateway.url, headers: { authorization }, path, body: body(`up/${model}`) },
        },
      } satisfies Record<string, Way>
      const busy = await interleave(ways, CALLS_PER_ROUND, CONCURRENCY)
      report(`${name}: CPU per call, trivial proxy`, medianOf(busy.trivial, perCall), 0, ' µs')
      report(`${name}: CPU per call, Headgate`, medianOf(busy.headgate, perCall), 0, ' µs')
      report(`${name}: CPU per call, ratio`, ratioOf(busy.headgate, busy.trivial, perCall), 2, ' ×')
      const quiet = await interleave({ direct: ways.direct, headgate: ways.headgate }, CALLS_PER_ROUND / 3, 1)
      const total = (sample: Sample) => sample.totalMs
      report(`${name}: added p50, one at a time`, addedTo(quiet.direct, quiet.headgate, total, 0.5), 2, ' ms')
    }
  } finally {
    await gateway.stop()
  }
}
