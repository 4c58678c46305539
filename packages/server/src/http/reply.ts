import type { ServerResponse } from 'node:http'
import type { Reply } from '../kernel/route.ts'

type PlainReply = Exclude<Reply, { kind: 'events' }>

/** Writes a value or bytes, whole. `headers` are those that every answer of this request carries. */
export const writeReply = (
  response: ServerResponse,
  reply: PlainReply,
  headers: Record<string, string | number>,
): void => {
  if (reply.kind === 'json') {
    const text = JSON.stringify(reply.value)
    headers['content-type'] = 'application/json; charset=utf-8'
    headers['content-length'] = Buffer.byteLength(text)
    response.writeHead(reply.status ?? 200, reply.headers ? { ...headers, ...reply.headers } : headers)
    response.end(text)
    return
  }
  headers['content-type'] = reply.contentType
  headers['content-length'] = Buffer.byteLength(reply.bytes)
  response.writeHead(reply.status ?? 200, headers)
  response.end(reply.bytes)
}
