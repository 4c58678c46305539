import { join } from 'node:path'
import type { Bench } from '../bench-table.ts'
import { startGateway } from '../gateway.ts'
import { quantile } from '../load.ts'

const STREAMS = 40
const PARTS = 200
const model = `gpt-4o-mini;parts=${PARTS};part-delay=1`

/** How long who comes back to a stream waits for the first part that was missed. */
export const resume = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  const gateway = await startGateway({ upstreamUrl, models: [model], folder: join(bench.folder, 'resume') })
  try {
    const authorization = `Bearer ${await gateway.makeKey()}`
    const times: number[] = []
    for (let count = 0; count < STREAMS; count++) {
      const made = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'x-headgate-resume': 'on' },
        body: JSON.stringify({ model: `up/${model}`, stream: true, messages: [{ role: 'user', content: 'Go on.' }] }),
      })
      // The reader goes after the first bytes.
      await made.body?.getReader().cancel()
      const begun = performance.now()
      const again = await fetch(`${gateway.url}/v1/streams/${made.headers.get('x-headgate-stream')}`, {
        headers: { authorization, 'last-event-id': '1' },
      })
      const reader = (again.body as ReadableStream<Uint8Array>).getReader()
      const { value } = await reader.read()
      times.push(performance.now() - begun)
      if (again.status !== 200 || !Buffer.from(value ?? []).includes('data:'))
        throw new Error(`resuming answered ${again.status}`)
      await reader.cancel()
    }
    report('resume: first replayed part p50', quantile(times), 1, ' ms', { most: 20 })
    report('resume: first replayed part p95', quantile(times, 0.95), 1, ' ms')
  } finally {
    await gateway.stop()
  }
}
