import { connect, type Socket } from 'node:net'
import type { Door } from './ask.ts'

/** A caller that holds its socket in its own hand: to reset, half-close or not read it. */
export interface RawCaller {
  readonly socket: Socket
  /** Everything received so far. */
  readonly text: () => string
  /** Content events received so far. */
  readonly parts: () => number
  readonly requestId: () => string
  readonly closed: Promise<void>
}

/** Sends one chat request over a socket of its own. */
export const callRaw = (door: Door, model: string, fields: Readonly<Record<string, unknown>> = {}): RawCaller => {
  const { hostname, port } = new URL(door.url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true })
  const chunks: Buffer[] = []
  socket.on('data', (bytes: Buffer) => chunks.push(bytes))
  socket.on('error', () => undefined)
  socket.on('end', () => socket.end())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...fields })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${door.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const text = () => Buffer.concat(chunks).toString()
  return {
    socket,
    text,
    parts: () => text().split('"content":"').length - 1 - (text().includes('"content":""') ? 1 : 0),
    requestId: () => /^x-request-id: (\S+)/im.exec(text())?.[1] ?? '',
    closed,
  }
}
