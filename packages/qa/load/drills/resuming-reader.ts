import { type IncomingMessage, request } from 'node:http'
import { pause } from '../pace.ts'

/** Where a stream is asked for, or read again. */
export interface Attempt {
  readonly url: string
  /** Bytes of the body after which the connection is torn; null: never. */
  readonly cutAfter: number | null
  /** How the place is told. */
  readonly by: 'header' | 'query'
}

/** What its reader has of one stream, over all its connections. */
export interface Read {
  /** As the answer named it; null where no answer came. */
  readonly stream: string | null
  readonly status: number
  /** Numbers of the events, as they came. */
  readonly ids: readonly number[]
  /** Data of the events, without that of the error. */
  readonly data: readonly string[]
  /** The text of the answer. */
  readonly text: string
  /** Errors that were told. */
  readonly errors: readonly { readonly code: string; readonly cursor: number | null }[]
  readonly done: boolean
  readonly connections: number
}

const MOST_CONNECTIONS = 100
const AGAIN_MS = 100

interface Told {
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[]
  readonly error?: { readonly code: string; readonly params?: { readonly cursor?: number } }
}

/** One connection: whole events until its end, or until it is torn. */
const connectOnce = (
  { url, cutAfter }: Attempt,
  key: string,
  more: { readonly headers: Readonly<Record<string, string>>; readonly body?: string },
  take: (event: string) => void,
): Promise<{ status: number; headers: IncomingMessage['headers']; rest: string }> =>
  new Promise((resolve) => {
    let status = 0
    let headers: IncomingMessage['headers'] = {}
    let rest = ''
    let pending = Buffer.alloc(0)
    let seen = 0
    const settle = () => resolve({ status, headers, rest })
    const made = request(url, {
      method: more.body === undefined ? 'GET' : 'POST',
      agent: false,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more.headers },
    })
    made.on('error', settle)
    made.on('response', (answer) => {
      status = answer.statusCode ?? 0
      headers = answer.headers
      const isStream = String(headers['content-type']).startsWith('text/event-stream')
      answer.on('data', (chunk: Buffer) => {
        const left = cutAfter === null ? chunk.length : Math.max(0, cutAfter - seen)
        seen += chunk.length
        pending = Buffer.concat([pending, chunk.subarray(0, left)])
        for (let end = pending.indexOf('\n\n'); isStream && end >= 0; end = pending.indexOf('\n\n')) {
          take(pending.toString('utf8', 0, end))
          pending = pending.subarray(end + 2)
        }
        if (cutAfter !== null && seen >= cutAfter) answer.destroy()
      })
      answer.on('error', settle)
      answer.on('close', () => {
        if (!isStream) rest = pending.toString()
        settle()
      })
    })
    made.end(more.body)
  })

/**
 * Asks for a stream and comes back to it, by the plan of `attempts` (the last of them again and again), until it is over: its `[DONE]`,
 * an error, or an answer that is none.
 */
export const readResuming = async (options: {
  readonly key: string
  readonly id: string
  readonly body: string
  readonly attempts: (connection: number) => Attempt
  /** Told how many bytes of text have come. */
  readonly onProgress?: () => void
}): Promise<Read> => {
  const { key, id, body, attempts } = options
  const ids: number[] = []
  const data: string[] = []
  const errors: { code: string; cursor: number | null }[] = []
  let text = ''
  let done = false
  const take = (event: string): void => {
    const fields = event.split('\n')
    const number = fields.find((line) => line.startsWith('id: '))
    const payload = fields.find((line) => line.startsWith('data: '))?.slice(6)
    if (payload === undefined) return
    if (number !== undefined) ids.push(Number(number.slice(4)))
    if (payload === '[DONE]') {
      done = true
      return
    }
    const told = JSON.parse(payload) as Told
    if (told.error) {
      errors.push({ code: told.error.code, cursor: told.error.params?.cursor ?? null })
      return
    }
    data.push(payload)
    text += told.choices?.[0]?.delta?.content ?? ''
    options.onProgress?.()
  }
  let connections = 1
  const first = await connectOnce(
    attempts(0),
    key,
    { headers: { 'x-request-id': id, 'x-headgate-resume': 'on' }, body },
    take,
  )
  const stream = (first.headers['x-headgate-stream'] as string | undefined) ?? null
  let { status } = first
  if (status >= 400) errors.push({ code: /"code":"([a-z_]+)"/.exec(first.rest)?.[1] ?? 'none', cursor: null })
  while (stream !== null && !done && errors.length === 0 && connections < MOST_CONNECTIONS) {
    const attempt = attempts(connections)
    const cursor = String(ids.at(-1) ?? 0)
    const url = `${attempt.url}/v1/streams/${stream}${attempt.by === 'query' ? `?starting_after=${cursor}` : ''}`
    const headers: Record<string, string> = attempt.by === 'header' ? { 'last-event-id': cursor } : {}
    connections += 1
    const again = await connectOnce({ ...attempt, url }, key, { headers }, take)
    if (again.status === 204) break
    if (again.status === 200 || again.status === 0 || again.status === 503) {
      if (again.status !== 200) await pause(AGAIN_MS)
      continue
    }
    status = again.status
    errors.push({ code: /"code":"([a-z_]+)"/.exec(again.rest)?.[1] ?? 'none', cursor: null })
  }
  return { stream, status, ids, data, text, errors, done, connections }
}
