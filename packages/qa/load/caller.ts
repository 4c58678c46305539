import { performance } from 'node:perf_hooks'
import { Pool } from 'undici'

/** What its caller saw of one call; times are milliseconds since 1970 with fractions. */
export interface Seen {
  /** Sent as `x-request-id`; the ledger holds it. */
  readonly id: string
  /** Which replica was asked. */
  readonly replica: number
  readonly sentAt: number
  /** When the answer had ended, or broken. */
  readonly endedAt: number
  /** 0 when no status line came. */
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Code of the error body or of the error event; null without one. */
  readonly code: string | null
  /** The whole answer came: of a stream, its `[DONE]`. */
  readonly whole: boolean
  /** The connection broke before the end of the answer. */
  readonly broken: boolean
  /** Content events of a stream. */
  readonly parts: number
}

/** What to ask. */
export interface Ask {
  readonly replica: number
  readonly key: string
  readonly model: string
  readonly id: string
  readonly stream?: boolean
  /** More of the body. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** The sender's own address, one of 127.0.0.0/8. */
  readonly from?: string
}

const now = (): number => performance.timeOrigin + performance.now()
const codePattern = /"code":"([a-z_]+)"/
const partPattern = /"delta":\{"content":"[^"]/g
const CONNECTIONS = 1_024

/** Bodies differ only in a few ways: each is written once. */
const bodies = new Map<string, string>()
const bodyOf = ({ model, stream = false, fields }: Ask): string => {
  const name = `${model}\n${stream}\n${fields ? JSON.stringify(fields) : ''}`
  let body = bodies.get(name)
  if (body === undefined) {
    body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Say something.' }], ...fields })
    bodies.set(name, body)
  }
  return body
}

/** Calls replicas over connections that are used again. `urlOf` is asked each time: a replica that was started anew has another port. */
export const createCaller = (urlOf: (replica: number) => string) => {
  const pools = new Map<string, Pool>()
  const poolOf = (url: string, from: string | undefined): Pool => {
    const name = `${url} ${from ?? ''}`
    let pool = pools.get(name)
    if (pool === undefined) {
      pool = new Pool(url, {
        connections: CONNECTIONS,
        pipelining: 1,
        headersTimeout: 120_000,
        bodyTimeout: 120_000,
        ...(from !== undefined && { localAddress: from }),
      })
      pools.set(name, pool)
    }
    return pool
  }

  /** Makes one call and reads its answer to the end. Never rejects. */
  const call = (ask: Ask): Promise<Seen> =>
    new Promise((resolve) => {
      const sentAt = now()
      let status = 0
      let headers: Seen['headers'] = {}
      let text = ''
      let parts = 0
      const finish = (broken: boolean) => {
        const isStream = String(headers['content-type']).startsWith('text/event-stream')
        const whole = !broken && status === 200 && (!isStream || text.includes('data: [DONE]'))
        resolve({
          id: ask.id,
          replica: ask.replica,
          sentAt,
          endedAt: now(),
          status,
          headers,
          code: whole ? null : (codePattern.exec(text)?.[1] ?? null),
          whole,
          broken,
          parts,
        })
      }
      poolOf(urlOf(ask.replica), ask.from).dispatch(
        {
          method: 'POST',
          path: '/v1/chat/completions',
          headers: {
            authorization: `Bearer ${ask.key}`,
            'content-type': 'application/json',
            'x-request-id': ask.id,
            ...ask.headers,
          },
          body: bodyOf(ask),
        },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, statusCode, given) => {
            status = statusCode
            headers = given
          },
          onResponseData: (_controller, chunk) => {
            // Only the end of a stream is looked at, and its events are counted.
            const piece = chunk.toString()
            parts += piece.match(partPattern)?.length ?? 0
            text = (text + piece).slice(-4_096)
          },
          onResponseEnd: () => finish(false),
          onResponseError: () => finish(true),
        },
      )
    })

  return {
    call,
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

export type Caller = ReturnType<typeof createCaller>
