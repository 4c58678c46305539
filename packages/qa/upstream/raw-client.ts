import { type Socket, connect } from 'node:net'

/** What a raw HTTP/1.1 client saw, byte for byte. */
export interface RawAnswer {
  /** Status line and headers, as sent. */
  head: string
  status: number
  /** Everything after the blank line, chunk framing included. */
  rest: Buffer
  /** Content of the body: chunks joined; without framing it equals `rest`. */
  body: Buffer
  /** The body ended as HTTP/1.1 demands: last chunk, or the promised length. */
  isWellFormed: boolean
  /** How the connection ended: `fin`, an error code, or `open` when the client stopped waiting. */
  ending: string
  /** Sizes of the reads, to see writes of single bytes. */
  reads: number[]
}

const joinChunks = (rest: Buffer): { body: Buffer; isWellFormed: boolean } => {
  const pieces: Buffer[] = []
  let at = 0
  while (at < rest.length) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) break
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16)
    if (size === 0) return { body: Buffer.concat(pieces), isWellFormed: true }
    pieces.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return { body: Buffer.concat(pieces), isWellFormed: false }
}

const read = (received: Buffer, ending: string, reads: number[]): RawAnswer => {
  const headEnd = received.indexOf('\r\n\r\n')
  const head = received.subarray(0, Math.max(0, headEnd)).toString('latin1')
  const rest = headEnd < 0 ? Buffer.alloc(0) : received.subarray(headEnd + 4)
  const status = Number(head.split(' ')[1] ?? 0)
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  const isChunked = /^transfer-encoding: chunked/im.test(head)
  const framed = isChunked
    ? joinChunks(rest)
    : { body: rest, isWellFormed: length === undefined ? ending === 'fin' : rest.length === Number(length) }
  return { head, status, rest, ...framed, ending, reads }
}

/** The answer is whole by its framing; what follows, if anything, follows at once. */
const isFramedEnd = (chunks: Buffer[]): boolean => {
  const start = chunks[0]?.subarray(0, 2_000).toString('latin1') ?? ''
  const length = /^content-length: (\d+)/im.exec(start)?.[1]
  if (length === undefined) return Buffer.concat(chunks.slice(-2)).subarray(-7).toString('latin1') === '\r\n0\r\n\r\n'
  const received = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return received >= start.indexOf('\r\n\r\n') + 4 + Number(length)
}

/** A POST over a bare socket, for what an HTTP client would hide; gives up waiting after `patience` ms of silence. */
export const postRaw = (
  port: number,
  path: string,
  body: unknown,
  options: {
    headers?: Record<string, string>
    patience?: number
    onData?: (received: Buffer, socket: Socket) => void
  } = {},
): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const chunks: Buffer[] = []
    const reads: number[] = []
    const socket = connect(port, '127.0.0.1')
    let timer: NodeJS.Timeout | undefined
    const finish = (ending: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(read(Buffer.concat(chunks), ending, reads))
    }
    const patience = options.patience ?? 2_000
    const wait = (milliseconds: number): void => {
      clearTimeout(timer)
      timer = setTimeout(finish, milliseconds, 'open')
    }
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      reads.push(chunk.length)
      wait(isFramedEnd(chunks) ? 40 : patience)
      options.onData?.(Buffer.concat(chunks), socket)
    })
    socket.on('end', () => finish('fin'))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'error'))
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: upstream\r\ncontent-length: ${bytes.length}\r\n${headers.join('')}\r\n`,
    )
    socket.write(bytes)
    wait(patience)
  })

/**
 * The JSON events of a stream's body.
 * @throws SyntaxError on an event that is not JSON
 */
export const eventsOf = (body: Buffer): Array<Record<string, unknown>> =>
  body
    .toString()
    .split('\n\n')
    .filter((block) => block.startsWith('data: {'))
    .map((block) => JSON.parse(block.slice(6)))
/** How many content events a stream's body holds. */
export const contentsOf = (body: Buffer): number => body.toString().split('"delta":{"content":"').length - 1
