import { join } from 'node:path'
import { startService } from '../../load/services.ts'
import { until } from '../../load/pace.ts'
import type { Bench } from '../bench-table.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { descendants } from '../processes.ts'
import { STEADY_ROUNDS, interleave, medianOf, perCall, ratioOf } from '../rounds.ts'

const CALLS_PER_ROUND = 1_500
const CONCURRENCY = 16
const model = 'gpt-4o-mini'

/** What a call costs with two workers behind the port, by what it costs with one process. */
export const workers = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  // Not the embedded one, which would be a child like the workers.
  const postgres = await startService('postgres')
  const gateways: Gateway[] = []
  try {
    const start = async (name: string, count: number) => {
      await postgres.query(`CREATE DATABASE ${name}`)
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      const gateway = await startGateway({
        folder: join(bench.folder, `workers-${name}`),
        upstreamUrl,
        models: [model],
        config: { workers: count },
        environment: { HEADGATE_DATABASE_URL: url.href, HEADGATE_COUNTERS: 'memory' },
      })
      gateways.push(gateway)
      if (count > 1)
        await until('all workers take calls', async () => {
          const { parts } = (await (await fetch(`${gateway.url}/readyz`)).json()) as { parts: Record<string, string> }
          return parts['workers'] === 'ok'
        })
      const body = JSON.stringify({ model: `up/${model}`, messages: [{ role: 'user', content: 'Say something.' }] })
      const headers = { authorization: `Bearer ${await gateway.makeKey()}` }
      return { pids: [gateway.pid, ...descendants(gateway.pid)], call: { origin: gateway.url, headers, body } }
    }
    const rounds = await interleave(
      { one: await start('one', 1), two: await start('two', 2) },
      CALLS_PER_ROUND,
      CONCURRENCY,
      STEADY_ROUNDS,
    )
    report('CPU per request, one process', medianOf(rounds.one, perCall), 0, ' µs')
    report('CPU per request, two workers', medianOf(rounds.two, perCall), 0, ' µs')
    report('CPU per request, two workers by one process', ratioOf(rounds.two, rounds.one, perCall), 2, ' ×')
    const rate = ({ samples }: { samples: readonly { totalMs: number }[] }) =>
      (CONCURRENCY * samples.length * 1000) / samples.reduce((sum, { totalMs }) => sum + totalMs, 0)
    report('requests per second, two workers by one process', ratioOf(rounds.two, rounds.one, rate), 2, ' ×')
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await postgres.stop()
  }
}
