import { Pool } from 'undici'

/** Where and what to call. */
export interface Call {
  readonly origin: string
  readonly headers: Record<string, string>
  /** The same for every call, or made for each. */
  readonly body: string | (() => string)
  /** `/v1/chat/completions` where none is named. */
  readonly path?: string
}

/** What came of one call: milliseconds, and events received. */
export interface Sample {
  readonly firstByteMs: number
  readonly totalMs: number
  readonly events: number
}

const CHAT = '/v1/chat/completions'
const textOf = ({ body }: Call): string => (typeof body === 'string' ? body : body())

const callOnce = (pool: Pool, call: Call): Promise<Sample> =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    let firstByteMs = 0
    let events = 0
    let status = 0
    pool.dispatch(
      {
        method: 'POST',
        path: call.path ?? CHAT,
        headers: { 'content-type': 'application/json', ...call.headers },
        body: textOf(call),
      },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, statusCode) => {
          status = statusCode
        },
        onResponseData: (_controller, chunk) => {
          if (firstByteMs === 0) firstByteMs = performance.now() - begun
          let at = chunk.indexOf('data:')
          while (at !== -1) {
            events++
            at = chunk.indexOf('data:', at + 5)
          }
        },
        onResponseEnd: () => {
          if (status === 200) resolve({ firstByteMs, totalMs: performance.now() - begun, events })
          else reject(new Error(`answered ${status}`))
        },
        onResponseError: (_controller, error) => reject(error),
      },
    )
  })

/** Makes `count` calls, `concurrency` at a time; rejects on the first answer that is not 200. */
export const makeCalls = async (call: Call, count: number, concurrency: number): Promise<Sample[]> => {
  const pool = new Pool(call.origin, { connections: concurrency, pipelining: 1 })
  const samples: Sample[] = []
  let left = count
  const walk = async () => {
    while (left-- > 0) samples.push(await callOnce(pool, call))
  }
  await Promise.all(Array.from({ length: concurrency }, walk))
  await pool.close()
  return samples
}

/** Opens `count` streams and holds them; `close` lets go. Resolves when each has sent its first event. */
export const openStreams = async (call: Call, count: number): Promise<{ close: () => Promise<void> }> => {
  const pool = new Pool(call.origin, { connections: count, pipelining: 1 })
  const opened = Array.from(
    { length: count },
    () =>
      new Promise<void>((resolve, reject) => {
        pool.dispatch(
          {
            method: 'POST',
            path: call.path ?? CHAT,
            headers: { 'content-type': 'application/json', ...call.headers },
            body: textOf(call),
          },
          {
            onRequestStart: () => {},
            onResponseStart: (_controller, status) => {
              if (status !== 200) reject(new Error(`answered ${status}`))
            },
            onResponseData: (_controller, chunk) => {
              if (chunk.includes('data:')) resolve()
            },
            onResponseEnd: () => {},
            onResponseError: (_controller, error) => reject(error),
          },
        )
      }),
  )
  await Promise.all(opened)
  return { close: () => pool.destroy() }
}

/** The middle of the values, or another quantile. */
export const quantile = (values: readonly number[], part = 0.5): number => {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
