import { readEvents } from './read-events.ts'

/** Where to ask, and as whom. */
export interface Door {
  readonly url: string
  readonly key: string
}

/** One answer, read to its end or to the fault that cut it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Contents of the stream's parts, joined; empty for whole answers. */
  readonly content: string
  /** Tokens of content events: the scripted upstream sends one to a part. */
  readonly parts: number
  /** Code of the error body or of the error event; null without one. */
  readonly code: string | null
  /** The stream ended with `[DONE]`. */
  readonly done: boolean
  /** The connection broke before the end. */
  readonly broken: boolean
  readonly requestId: string
  readonly milliseconds: number
}

const messages = [{ role: 'user', content: 'Hello' }]

const codeOf = (text: string): string | null => {
  try {
    return (JSON.parse(text) as { error?: { code?: string } }).error?.code ?? null
  } catch {
    return null
  }
}

/** Makes one call and reads all of its answer. Rejects only when no status line came. */
export const ask = async (
  door: Door,
  model: string,
  fields: Readonly<Record<string, unknown>> = {},
  signal?: AbortSignal,
): Promise<Answer> => {
  const start = performance.now()
  const response = await fetch(`${door.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${door.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, ...fields }),
    ...(signal && { signal }),
  })
  const chunks: Uint8Array[] = []
  let broken = false
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk as Uint8Array)
  } catch {
    broken = true
  }
  const text = Buffer.concat(chunks).toString()
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
  const stream = isStream ? readEvents(text) : null
  return {
    status: response.status,
    headers: response.headers,
    text,
    content: stream?.content ?? '',
    parts: stream?.parts ?? 0,
    code: stream ? stream.code : codeOf(text),
    done: stream?.done ?? false,
    broken,
    requestId: response.headers.get('x-request-id') ?? '',
    milliseconds: performance.now() - start,
  }
}

/** Makes one streamed call and reads all of it. */
export const askStream = (
  door: Door,
  model: string,
  fields: Readonly<Record<string, unknown>> = {},
  signal?: AbortSignal,
): Promise<Answer> => ask(door, model, { stream: true, ...fields }, signal)
