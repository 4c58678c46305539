import { join } from 'node:path'
import { startService } from '../../load/services.ts'
import type { Bench } from '../bench-table.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { quantile } from '../load.ts'
import { interleave, type Round } from '../rounds.ts'

const CALLS_PER_ROUND = 1_000
const CHUNK = 250_000
const model = 'gpt-4o-mini'

/** Rows of calls of the last weeks, as a ledger that is in use holds them. */
const fill = (from: number, count: number) => `
  INSERT INTO headgate.ledger_entries (request_id, at, client_request_id, project_id, key_id, user_name, operation, target, provider,
    model, stream, outcome, estimated, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, cost_nano, attempts, duration_ms)
  SELECT 'req_filled_' || n, now() - n * interval '0.5 s', 'client-' || n, 'default', 'key-' || n % 500, 'user-' || n % 5000, 'chat',
    'up/gpt-4o-mini', 'up', 'gpt-4o-mini', n % 2 = 0, 'complete', false, 100, 0, 50, 0, 1000000, 1, 900
    FROM generate_series(${from}, ${from + count - 1}) AS n`

/** Whether calls are as fast with millions of rows in the ledger as with none. */
export const rows = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  const postgres = await startService('postgres')
  const gateways: Gateway[] = []
  try {
    const start = async (name: string) => {
      await postgres.query(`CREATE DATABASE ${name}`)
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      const gateway = await startGateway({
        folder: join(bench.folder, `rows-${name}`),
        upstreamUrl,
        models: [model],
        environment: { HEADGATE_DATABASE_URL: url.href, HEADGATE_COUNTERS: 'memory' },
      })
      gateways.push(gateway)
      const body = JSON.stringify({ model: `up/${model}`, messages: [{ role: 'user', content: 'Say something.' }] })
      const headers = { authorization: `Bearer ${await gateway.makeKey()}` }
      return { pids: [gateway.pid], call: { origin: gateway.url, headers, body } }
    }
    const ways = { empty: await start('empty'), filled: await start('filled') }
    for (let from = 1; from <= bench.rows; from += CHUNK)
      await postgres.query(fill(from, Math.min(CHUNK, bench.rows - from + 1)), 'filled')
    await postgres.query('ANALYZE', 'filled')
    await postgres.query('CHECKPOINT')
    const rounds = await interleave(ways, CALLS_PER_ROUND, 1)
    const slow = ({ samples }: Round) =>
      quantile(
        samples.map(({ totalMs }) => totalMs),
        0.99,
      )
    const [empty, filled] = [quantile(rounds.empty.map(slow)), quantile(rounds.filled.map(slow))]
    report('p99 of a call, no rows in the ledger', empty, 2, ' ms')
    report(`p99 of a call, ${(bench.rows / 1e6).toFixed(1)} million rows`, filled, 2, ' ms')
    const ratios = rounds.filled.map((round, index) => slow(round) / slow(rounds.empty[index] as Round))
    report('p99 of a call, ratio', quantile(ratios), 2, ' ×', { most: 1.2 })
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await postgres.stop()
  }
}
