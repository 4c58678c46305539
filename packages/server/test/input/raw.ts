import { connect, type Socket } from 'node:net'

/** One answer as it came over a bare socket. */
export interface RawAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/** What a conversation over one connection came to. */
export interface Conversation {
  readonly answers: readonly RawAnswer[]
  /** `closed` by the server in order, `reset`, or still `open` when the patience ran out. */
  readonly ending: 'closed' | 'reset' | 'open'
  /** Milliseconds from connecting to the end, or to the first byte of an answer. */
  readonly lasted: number
  readonly firstByte: number
}

const readAnswers = (received: Buffer): RawAnswer[] => {
  const answers: RawAnswer[] = []
  let at = 0
  while (at < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', at)
    if (headEnd === -1) break
    const [first = '', ...lines] = received.subarray(at, headEnd).toString('latin1').split('\r\n')
    const fields = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const end = headEnd + 4 + Number(fields.get('content-length') ?? 0)
    const text = received.subarray(headEnd + 4, end).toString('utf8')
    answers.push({ status: Number(first.split(' ')[1]), headers: { get: (name) => fields.get(name) ?? null }, text })
    at = end
  }
  return answers
}

/**
 * Connects, lets `send` write, and listens until the server closes or, with `answers`, until so many have come whole.
 */
export const talk = (
  url: string,
  send: string | Buffer | ((socket: Socket) => void),
  { patience = 5_000, answers: wanted = Number.POSITIVE_INFINITY } = {},
): Promise<Conversation> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const started = performance.now()
    const chunks: Buffer[] = []
    let firstByte = Number.NaN
    const socket = connect(Number(port), hostname)
    const finish = (ending: Conversation['ending']) => {
      clearTimeout(timer)
      socket.destroy()
      const lasted = performance.now() - started
      resolve({ answers: readAnswers(Buffer.concat(chunks)), ending, lasted, firstByte })
    }
    const timer = setTimeout(finish, patience, 'open')
    socket.on('data', (chunk: Buffer) => {
      if (chunks.length === 0) firstByte = performance.now() - started
      chunks.push(chunk)
      if (readAnswers(Buffer.concat(chunks)).length >= wanted) finish('open')
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('reset'))
    if (typeof send === 'function') send(socket)
    else socket.write(send)
  })

/** A request as text; `host` and the length are added unless given. */
export const requestText = (
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): Buffer => {
  const bytes = Buffer.from(body)
  const all = { host: 'localhost', ...(bytes.length > 0 && { 'content-length': String(bytes.length) }), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes])
}
