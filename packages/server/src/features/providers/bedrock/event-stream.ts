import { crc32 } from 'node:zlib'
import type { EventReader } from '../../../kernel/event-reader.ts'
import type { EventScanner } from '../openai/expectation.ts'
import { malformedStream } from '../translation/malformed-stream.ts'

/** Longest message; the relay keeps the same cap for events. */
const MOST_BYTES = 1_048_576
/** Two lengths and their checksum. */
const PRELUDE_BYTES = 12
/** The prelude and the checksum of the whole. */
const LEAST_BYTES = 16

/** One message: its headers that are texts, and its payload. */
export interface EventMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Buffer
}

/** Bytes of a header value by its type, those with a length of their own left out: true, false, byte, short, integer, long; timestamp, UUID. */
const valueBytes: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }

const readHeaders = (bytes: Buffer): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const type = bytes.readUInt8(nameEnd)
    let start = nameEnd + 1
    let length = valueBytes[type]
    if (type === 6 || type === 7) {
      length = bytes.readUInt16BE(start)
      start += 2
    }
    if (length === undefined || start + length > bytes.length) throw new RangeError('not a header')
    if (type === 7) headers[name] = bytes.toString('utf8', start, start + length)
    at = start + length
  }
  return headers
}

/** Length of the message that begins `bytes`; null while its prelude is not complete. @throws ProviderFault `upstream_malformed`. */
const lengthOf = (bytes: Buffer): number | null => {
  if (bytes.length < PRELUDE_BYTES) return null
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8))
    throw malformedStream('The checksum of a message of the stream is wrong.')
  const length = bytes.readUInt32BE(0)
  if (length < LEAST_BYTES || bytes.readUInt32BE(4) > length - LEAST_BYTES)
    throw malformedStream('The lengths of a message of the stream contradict each other.')
  if (length > MOST_BYTES) throw malformedStream('One event of the stream exceeds 1 MiB.')
  return length
}

/** Reads one whole message (smithy.io/2.0/aws/amazon-eventstream.html). @throws ProviderFault `upstream_malformed`. */
const readMessage = (bytes: Buffer): EventMessage => {
  const end = bytes.length - 4
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end))
    throw malformedStream('The checksum of a message of the stream is wrong.')
  const headersEnd = PRELUDE_BYTES + bytes.readUInt32BE(4)
  try {
    return {
      headers: readHeaders(bytes.subarray(PRELUDE_BYTES, headersEnd)),
      payload: bytes.subarray(headersEnd, end),
    }
  } catch {
    throw malformedStream('The headers of a message of the stream cannot be read.')
  }
}

/** Collects the messages of a stream from chunks of any size. */
export const createMessageReader = () => {
  let rest: Buffer = Buffer.alloc(0)
  return {
    /** The messages that end in this chunk. @throws ProviderFault `upstream_malformed`. */
    push: (chunk: Buffer): EventMessage[] => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const messages: EventMessage[] = []
      for (;;) {
        const length = lengthOf(rest)
        if (length === null || rest.length < length) return messages
        messages.push(readMessage(rest.subarray(0, length)))
        rest = rest.subarray(length)
      }
    },
    /** Bytes of a message that is not whole. */
    held: (): number => rest.length,
  }
}

/** A message as JSON under its kind: `{"contentBlockDelta": {…}}`; exceptions under `exception`. */
const jsonOf = ({ headers, payload }: EventMessage): string => {
  const body = payload.length === 0 ? '{}' : payload.toString('utf8')
  if (headers[':message-type'] === 'event') return `{${JSON.stringify(headers[':event-type'] ?? '')}:${body}}`
  const type = headers[':exception-type'] ?? headers[':error-code'] ?? ''
  const message = headers[':error-message']
  return message === undefined
    ? `{"exception":${JSON.stringify(type)},"body":${body}}`
    : JSON.stringify({ exception: type, body: { message } })
}

/** Reads a stream as the texts of its events. */
export const createFramedReader = (): EventReader => {
  const reader = createMessageReader()
  return {
    push: (chunk) => reader.push(chunk).map(jsonOf),
    // What did not end cannot be read.
    held: () => '',
  }
}

/** Finds the end of the first message. A prelude that makes no sense ends it at once: reading it tells why. */
export class FirstMessageScanner implements EventScanner {
  #prelude: Buffer = Buffer.alloc(0)
  #seen = 0

  scan(chunk: Buffer): number {
    if (this.#prelude.length < 4) this.#prelude = Buffer.concat([this.#prelude, chunk.subarray(0, 4)])
    const before = this.#seen
    this.#seen += chunk.length
    if (this.#prelude.length < 4) return -1
    const length = this.#prelude.readUInt32BE(0)
    if (length < LEAST_BYTES || length > MOST_BYTES) return chunk.length
    return this.#seen >= length ? length - before : -1
  }
}
