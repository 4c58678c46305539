import { Pool } from 'undici'
import { pause } from '../pace.ts'

/** Where streams are read from. */
export interface StreamsOrder {
  readonly url: string
  readonly key: string
  readonly model: string
  readonly count: number
}

/** What was seen of streams beside something else. */
export interface SeenStreams {
  /** Pauses between parts, in milliseconds. */
  readonly gaps: readonly number[]
  /** Streams that ended as they should. */
  readonly whole: number
  readonly broken: number
}

/** Reads streams, each followed by another, until it is told to stop: then those under way are read to their end. */
export const readStreams = ({ url, key, model, count }: StreamsOrder): (() => Promise<SeenStreams>) => {
  const pool = new Pool(url, { connections: count, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 })
  const gaps: number[] = []
  let whole = 0
  let broken = 0
  let over = false
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Say something.' }] })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

  const readOne = (): Promise<void> =>
    new Promise((resolve) => {
      let last = 0
      let end = ''
      let status = 0
      pool.dispatch(
        { method: 'POST', path: '/v1/chat/completions', headers, body },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, code) => {
            status = code
          },
          onResponseData: (_controller, chunk) => {
            const now = performance.now()
            if (last !== 0) gaps.push(now - last)
            last = now
            end = (end + chunk.toString()).slice(-64)
          },
          onResponseEnd: () => {
            if (status === 200 && end.includes('[DONE]')) whole++
            else broken++
            resolve()
          },
          onResponseError: () => {
            broken++
            resolve()
          },
        },
      )
    })
  const readOn = async (): Promise<void> => {
    while (!over) {
      const before = broken
      await readOne()
      // Who is refused does not come again at once.
      if (broken > before) await pause(500)
    }
  }
  const reading = Array.from({ length: count }, readOn)
  return async () => {
    over = true
    await Promise.all(reading)
    await pool.close()
    return { gaps, whole, broken }
  }
}
