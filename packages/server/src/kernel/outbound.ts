import { type Dispatcher, request } from 'undici'
import { configuredDoor } from './outbound-door.ts'

/** What came of a delivery. */
export interface Delivery {
  readonly status: number
  /** What the receiver asks to wait; null when it does not. */
  readonly retryAfterMs: number | null
}

/** Hands bytes to a configured receiver. Rejects when none answers in time. */
export type Deliver = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
) => Promise<Delivery>

const MOST_WAIT_SECONDS = 60

/** Posts JSON. Redirects are not followed: what is sent goes to the configured address and nowhere else. */
export const deliver: Deliver = async (url, headers, body, timeoutMs) => {
  const answer = await request(url, {
    dispatcher: configuredDoor,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
  })
  await answer.body.dump()
  const wait = Number(answer.headers['retry-after'])
  const asked = Number.isFinite(wait) && wait > 0 ? Math.min(wait, MOST_WAIT_SECONDS) * 1_000 : null
  return { status: answer.statusCode, retryAfterMs: asked }
}

const FETCH_MS = 5_000
const MOST_FETCHED_BYTES = 524_288

/**
 * Reads a JSON document, by default from a configured address: no redirect, no more than 5 seconds and half a mebibyte.
 * @param dispatcher decides which addresses may be reached.
 * @throws Error that says what came instead.
 */
export const fetchJson = async (url: string, dispatcher: Dispatcher = configuredDoor): Promise<unknown> => {
  const answer = await request(url, {
    dispatcher,
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(FETCH_MS),
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // Leaving the loop closes the connection.
    if (bytes > MOST_FETCHED_BYTES) throw new Error(`${url} answered more than ${MOST_FETCHED_BYTES} bytes`)
    chunks.push(chunk)
  }
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

/** An answer, read to its end. */
export interface Exchange {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Asks an address that an operator names, by POST where there is a body; follows no redirect. Rejects after `timeoutMs`. */
export const exchange = async (
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body?: string },
  timeoutMs: number,
): Promise<Exchange> => {
  const signal = AbortSignal.timeout(timeoutMs)
  const posted = body === undefined ? {} : { method: 'POST' as const, body }
  const answer = await request(url, { dispatcher: configuredDoor, headers, signal, ...posted })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/** An answer whose body is still to come. */
export interface Opened {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Buffer>
}

/** Posts to an address that an operator names and opens what it answers; follows no redirect. `body` must be read. Rejects when its head takes longer than `timeoutMs`. */
export const openAnswer = async (
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  timeoutMs: number,
): Promise<Opened> => {
  const answer = await request(url, {
    dispatcher: configuredDoor,
    method: 'POST',
    headers,
    body,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body }
}
