import { join } from 'node:path'
import type { Bench } from '../bench-table.ts'
import { startGateway } from '../gateway.ts'
import type { Sample } from '../load.ts'
import { addedTo, interleave, type Way } from '../rounds.ts'

const CALLS_PER_ROUND = 300
const STREAMS_PER_ROUND = 40
const whole = 'claude-sonnet-4-5'
const stream = `${whole};parts=10;part-delay=1`
const asked = { max_tokens: 500, messages: [{ role: 'user', content: 'Say something about the sea.' }] }

/** What it takes to turn a chat request into one of Anthropic’s and its answer back, by the same provider called directly. */
export const translation = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  const gateway = await startGateway({
    upstreamUrl,
    models: [],
    config: {
      providers: { claude: { kind: 'anthropic', base_url: upstreamUrl, api_key: 'bench-0123456789' } },
      models: Object.fromEntries(
        [whole, stream].map((model) => [`claude/${model}`, { price: { input: 3, output: 15 } }]),
      ),
    },
    folder: join(bench.folder, 'translation'),
  })
  try {
    const authorization = `Bearer ${await gateway.makeKey()}`
    const waysFor = (model: string, isStream: boolean) =>
      ({
        direct: {
          pids: [],
          call: {
            origin: upstreamUrl,
            path: '/v1/messages',
            headers: { 'x-api-key': 'bench-0123456789', 'anthropic-version': '2023-06-01' },
            body: JSON.stringify({ model, stream: isStream, ...asked }),
          },
        },
        headgate: {
          pids: [gateway.pid],
          call: {
            origin: gateway.url,
            headers: { authorization },
            body: JSON.stringify({ model: `claude/${model}`, stream: isStream, ...asked }),
          },
        },
      }) satisfies Record<string, Way>
    const calls = await interleave(waysFor(whole, false), CALLS_PER_ROUND, 1)
    const total = (sample: Sample) => sample.totalMs
    report('translated to Anthropic: added p50', addedTo(calls.direct, calls.headgate, total, 0.5), 2, ' ms', {
      most: 1.5,
    })
    const streams = await interleave(waysFor(stream, true), STREAMS_PER_ROUND, 1)
    const first = ({ firstByteMs }: Sample) => firstByteMs
    report('translated stream: added first byte p50', addedTo(streams.direct, streams.headgate, first, 0.5), 2, ' ms')
  } finally {
    await gateway.stop()
  }
}
