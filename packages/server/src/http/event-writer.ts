import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { writeHead } from './reply.ts'
import { cutWhenStalled } from './stalled-reader.ts'

/** Hexadecimal digits, two line ends: what a chunk has around it at most. */
const FRAME_BYTES = 12
const LAST_CHUNK = '0\r\n\r\n'

/** A piece as one chunk of HTTP/1.1: RFC 9112, section 7.1. */
const frame = (bytes: Buffer): Buffer => {
  const size = bytes.length.toString(16)
  const framed = Buffer.allocUnsafe(bytes.length + FRAME_BYTES)
  let at = 0
  while (at < size.length) framed[at] = size.charCodeAt(at++)
  framed[at++] = 13
  framed[at++] = 10
  bytes.copy(framed, at)
  at += bytes.length
  framed[at++] = 13
  framed[at++] = 10
  return framed.subarray(0, at)
}

/**
 * The body of an event answer. Every piece is framed as a chunk here and given to the socket in one write: Node.js would
 * make four of it, gathered until the next tick, which cost as much as all else that is done for a part.
 */
export class EventWriter {
  readonly #response: ServerResponse
  /** HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer. */
  readonly #chunked: boolean
  #begun = false
  /** Takes the listener away that waits for the reader, while one does. */
  #waiting: (() => void) | null = null

  constructor(response: ServerResponse) {
    this.#response = response
    this.#chunked = response.useChunkedEncodingByDefault
  }

  /** Sets status line and headers, which leave with the first piece. */
  begin(headers: Record<string, string>): void {
    if (this.#chunked) headers['transfer-encoding'] = 'chunked'
    writeHead(this.#response, 200, headers)
    // Announced, and from here on our own business.
    this.#response.chunkedEncoding = false
  }

  /** Writes a piece that is not empty; false when the reader is behind: once it has caught up, `onDrain` is called. */
  write(bytes: Buffer, onDrain?: () => void): boolean {
    const piece = this.#chunked ? frame(bytes) : bytes
    const { socket } = this.#response
    // The first piece takes the headers along; an answer that waits for its turn on the connection has no socket yet.
    const way = this.#begun && socket ? socket : this.#response
    this.#begun = true
    if (way.write(piece)) return true
    if (onDrain && this.#waiting === null) this.#await(way, onDrain)
    return false
  }

  /** One listener at a time, and none that outlives the answer: the socket may bear others after it. */
  #await(way: Writable, onDrain: () => void): void {
    const drained = () => {
      leave()
      onDrain()
    }
    const leave = () => {
      this.#waiting = null
      way.off('drain', drained)
      this.#response.off('close', leave)
    }
    this.#waiting = leave
    way.on('drain', drained)
    this.#response.on('close', leave)
  }

  /** Ends the answer, with a last piece where there is one. */
  end(last?: string): void {
    this.#waiting?.()
    if (!this.#chunked) this.#response.end(last)
    else if (last === undefined) this.#response.end(LAST_CHUNK)
    else this.#response.end(Buffer.concat([frame(Buffer.from(last)), Buffer.from(LAST_CHUNK)]))
    cutWhenStalled(this.#response)
  }
}
