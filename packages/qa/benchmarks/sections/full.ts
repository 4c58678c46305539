import { connect } from 'node:net'
import { join } from 'node:path'
import { startService } from '../../load/services.ts'
import type { Bench } from '../bench-table.ts'
import { fiveLimits } from '../everything-on.ts'
import { startGateway } from '../gateway.ts'
import { makeCalls } from '../load.ts'
import { STEADY_ROUNDS, interleave, medianOf, perCall, ratioOf } from '../rounds.ts'

const CALLS_PER_ROUND = 1_500
const CONCURRENCY = 8
const WATCHED_CALLS = 1_000
const PRESENCE_MS = 6_000
const model = 'gpt-4o-mini'

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Counts the commands that clients send to Redis, without those that its scripts run, until it is told to stop. */
const watchCommands = async (port: number) => {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => (text += chunk))
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write('MONITOR\r\n')
  await pause(200)
  return async (): Promise<number> => {
    await pause(300)
    socket.destroy()
    return text.split('\n').filter((line) => /^\+?[\d.]+ \[\d+ (?!lua)/.test(line)).length
  }
}

/** The whole path with everything on, counted in memory and in Redis, and how often Redis is asked. */
export const full = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl, trivial } = bench
  const redis = await startService('redis')
  const options = { upstreamUrl, models: [model], config: { limits: { policies: fiveLimits } } }
  const memory = await startGateway({ ...options, folder: join(bench.folder, 'full-memory') })
  const shared = await startGateway({
    ...options,
    folder: join(bench.folder, 'full-redis'),
    environment: { HEADGATE_COUNTERS: 'redis', HEADGATE_REDIS_URL: redis.url },
  })
  try {
    const ask = (name: string) =>
      JSON.stringify({ model: name, messages: [{ role: 'user', content: 'Say something about the sea.' }] })
    const through = async (gateway: typeof memory) => ({
      pids: [gateway.pid],
      call: {
        origin: gateway.url,
        headers: { authorization: `Bearer ${await gateway.makeKey()}`, 'x-headgate-user': 'bench' },
        body: ask(`up/${model}`),
      },
    })
    const byRedis = await through(shared)
    const ways = {
      trivial: { pids: [trivial.pid], call: { origin: trivial.url, headers: {}, body: ask(model) } },
      memory: await through(memory),
      redis: byRedis,
    }
    const rounds = await interleave(ways, CALLS_PER_ROUND, CONCURRENCY, STEADY_ROUNDS)
    report('everything on, 5 limits in memory: CPU per request', medianOf(rounds.memory, perCall), 0, ' µs')
    report('everything on, in memory: ratio', ratioOf(rounds.memory, rounds.trivial, perCall), 2, ' ×', { most: 1.8 })
    report('everything on, 5 limits in Redis: CPU per request', medianOf(rounds.redis, perCall), 0, ' µs')
    report('everything on, in Redis: ratio', ratioOf(rounds.redis, rounds.trivial, perCall), 2, ' ×', { most: 2.4 })

    // What a replica says of itself comes every few seconds, calls or not: once alone, then with calls.
    const watchIdle = await watchCommands(redis.port)
    await pause(PRESENCE_MS)
    const idle = await watchIdle()
    const watch = await watchCommands(redis.port)
    const begun = performance.now()
    await makeCalls(byRedis.call, WATCHED_CALLS, 1)
    const most = (idle * (performance.now() - begun)) / PRESENCE_MS
    const commands = await watch()
    report('Redis: commands per decision', Math.max(0, commands - Math.ceil(most) - 1) / WATCHED_CALLS, 3, '', {
      most: 1,
    })
  } finally {
    await Promise.all([memory.stop(), shared.stop()])
    await redis.stop()
  }
}
