import { join } from 'node:path'
import type { Bench } from '../bench-table.ts'
import { startGateway } from '../gateway.ts'
import { interleave, medianOf, perCall, ratioOf, STEADY_ROUNDS } from '../rounds.ts'

const CALLS_PER_ROUND = 500
const CONCURRENCY = 8
const model = 'gpt-4o-mini'

/** What an answer out of the cache costs, by what it costs to get and keep one. */
export const cache = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  const gateway = await startGateway({ upstreamUrl, models: [model], folder: join(bench.folder, 'cache') })
  try {
    const authorization = `Bearer ${await gateway.makeKey()}`
    const headers = { authorization, 'x-headgate-cache': 'on' }
    const ask = (content: string) => JSON.stringify({ model: `up/${model}`, messages: [{ role: 'user', content }] })
    let asked = 0
    const call = { origin: gateway.url, headers }
    const rounds = await interleave(
      {
        miss: { pids: [gateway.pid], call: { ...call, body: () => ask(`What is number ${asked++}?`) } },
        hit: { pids: [gateway.pid], call: { ...call, body: ask('What is always the same?') } },
      },
      CALLS_PER_ROUND,
      CONCURRENCY,
      STEADY_ROUNDS,
    )
    report('cache: CPU of a miss', medianOf(rounds.miss, perCall), 0, ' µs')
    report('cache: CPU of a hit', medianOf(rounds.hit, perCall), 0, ' µs')
    report('cache: CPU of a hit by that of a miss', ratioOf(rounds.hit, rounds.miss, perCall), 2, ' ×', { most: 0.5 })
  } finally {
    await gateway.stop()
  }
}
