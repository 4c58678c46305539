import { createClient } from 'redis'

/** What a Redis or Valkey says of itself. */
export interface RedisProbe {
  readonly software: 'Redis' | 'Valkey'
  /** As it writes it, such as `7.2.4`. */
  readonly version: string
  /** Its clock, milliseconds since the epoch, and how long the question took. */
  readonly now: number
  readonly tookMs: number
}

/** Asks once, on a connection of its own, and writes nothing. @throws what the client throws, or an Error after the timeout. */
export const probeRedis = async (url: string, timeoutMs: number): Promise<RedisProbe> => {
  const client = createClient({
    url,
    maintNotifications: 'disabled',
    socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
  })
  client.on('error', () => undefined)
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs).unref()
  })
  const ask = async (): Promise<RedisProbe> => {
    await client.connect()
    const about = await client.info('server')
    const begun = performance.now()
    const [seconds = '0', micros = '0'] = (await client.sendCommand(['TIME'])) as unknown as string[]
    const valkey = /^valkey_version:(\S+)/m.exec(about)?.[1]
    return {
      software: valkey === undefined ? 'Redis' : 'Valkey',
      version: valkey ?? /^redis_version:(\S+)/m.exec(about)?.[1] ?? '0',
      now: Number(seconds) * 1000 + Number(micros) / 1000,
      tookMs: performance.now() - begun,
    }
  }
  try {
    return await Promise.race([ask(), late])
  } finally {
    client.destroy()
  }
}
