import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from '../kernel/route.ts'
import { cutWhenStalled } from './stalled-reader.ts'

type PlainReply = Exclude<Reply, { kind: 'events' | 'file' | 'binary' }>
type Headers = Record<string, string | number>

/** The rest of a refused body up to this size is read, so that the connection can be kept. */
const SMALL_REST_BYTES = 65_536
/** A larger rest is thrown away this long at most, so that the answer is not lost to a connection reset. */
const LINGER_MS = 2_000

/**
 * Writes the status line and headers. A value that HTTP cannot carry (names of models go into headers, and providers may
 * choose any) is percent-encoded; that costs nothing where it does not happen.
 */
export const writeHead = (response: ServerResponse, status: number, headers: Headers): void => {
  try {
    response.writeHead(status, headers)
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ERR_INVALID_CHAR') throw fault
    const safe = Object.entries(headers).map(([name, value]) => [name, encodeURI(String(value).toWellFormed())])
    response.writeHead(status, Object.fromEntries(safe))
  }
}

/** Writes a value or bytes, whole. `headers` are those that every answer of this request carries. */
export const writeReply = (response: ServerResponse, reply: PlainReply, headers: Headers): void => {
  if (reply.kind === 'json') {
    const text = JSON.stringify(reply.value)
    headers['content-type'] = 'application/json; charset=utf-8'
    headers['content-length'] = Buffer.byteLength(text)
    writeHead(response, reply.status ?? 200, reply.headers ? { ...headers, ...reply.headers } : headers)
    response.end(text)
    cutWhenStalled(response)
    return
  }
  headers['content-type'] = reply.contentType
  // A 304 has no body and would announce the length of another answer; a 204 must not announce any (RFC 9110, 8.6).
  if (reply.status !== 304 && reply.status !== 204) headers['content-length'] = Buffer.byteLength(reply.bytes)
  writeHead(response, reply.status ?? 200, reply.headers ? { ...headers, ...reply.headers } : headers)
  response.end(reply.bytes)
  cutWhenStalled(response)
}

/**
 * Writes an error, also while the body is still coming. The connection ends unless the announced rest is small; before,
 * the rest is thrown away for a moment: closing a socket with unread bytes resets it, and the caller would lose the answer.
 */
export const writeRefusal = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Headers,
  body: object,
): void => {
  const announced = Number(request.headers['content-length'] ?? (request.headers['transfer-encoding'] ? Infinity : 0))
  if (request.complete || announced <= SMALL_REST_BYTES) {
    writeReply(response, { kind: 'json', status, value: body }, headers)
    return
  }
  const text = JSON.stringify(body)
  writeHead(response, status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  response.write(text)
  const end = () => {
    clearTimeout(timer)
    response.end()
    cutWhenStalled(response)
  }
  const timer = setTimeout(end, LINGER_MS)
  timer.unref()
  request.once('end', end)
  request.once('error', end)
  request.once('close', end)
  request.resume()
}
