import { createHash } from 'node:crypto'
import { createClient } from 'redis'

const CONNECT_TIMEOUT_MS = 2000
const LONGEST_RECONNECT_PAUSE_MS = 1000

/** Opens a connection that never queues and connects again by itself. */
export const connectRedis = (url: string, onError: (error: Error) => void) => {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // Its own timeout ends only what was not sent yet; here every wait has a timer.
    commandOptions: { timeout: 0 },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2),
    },
  })
  client.on('error', onError)
  client.connect().catch(onError)
  return client
}

export type RedisClient = ReturnType<typeof connectRedis>

/** A script and the digest by which Redis remembers it. */
export interface RedisScript {
  readonly text: string
  readonly digest: string
}

export const redisScript = (text: string): RedisScript => ({
  text,
  digest: createHash('sha1').update(text).digest('hex'),
})

/** A script is sent by its digest; a Redis that lost it has not run it, so sending it whole is no repetition. */
export const runScript = async (
  client: RedisClient,
  { digest, text }: RedisScript,
  keys: string[],
  args: string[],
): Promise<unknown> => {
  try {
    return await client.evalSha(digest, { keys, arguments: args })
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(text, { keys, arguments: args })
  }
}
