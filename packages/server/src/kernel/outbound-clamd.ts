import { connect } from 'node:net'

/** Where a clamd listens. */
export interface ClamdAddress {
  readonly host: string
  readonly port: number
}

/** A content that is being scanned as it passes. */
export interface Scan {
  /** Hands over some of it; resolves when more may come. Rejects where the scanner is gone. */
  readonly push: (piece: Buffer) => Promise<void>
  /** The name of what was found; null: nothing. Rejects where the scanner does not say. */
  readonly end: () => Promise<string | null>
  /** Ends it unheard. */
  readonly abandon: () => void
}

/** More than any answer has. */
const MOST_ANSWER = 4_096

const sized = (bytes: number): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes)
  return size
}

/**
 * Opens a scan by ClamAV’s command INSTREAM (clamd(8), COMMANDS): pieces with their length before them, an empty one at the end, and one
 * answer. A scanner that is silent for `timeoutMs` is given up.
 */
export const openScan = ({ host, port }: ClamdAddress, timeoutMs: number): Scan => {
  const socket = connect({ host, port })
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('The scanner is silent')))
  let said = ''
  const answer = new Promise<string>((resolve, reject) => {
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString('utf8')
      if (said.length > MOST_ANSWER) socket.destroy(new Error('The scanner says too much'))
      else if (said.includes('\0')) resolve(said.slice(0, said.indexOf('\0')))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The scanner has hung up')))
  })
  // Who is told of it may not be listening yet.
  answer.catch(() => undefined)
  const write = (bytes: Buffer): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve, reject) => socket.write(bytes, (fault) => (fault ? reject(fault) : resolve()))),
      // An answer before the end is a refusal, such as of what is too long for it.
      answer.then((text) => Promise.reject(new Error(`The scanner says: ${text}`))),
    ])
  socket.write('zINSTREAM\0')
  return {
    push: async (piece) => {
      if (piece.length > 0) await write(Buffer.concat([sized(piece.length), piece]))
    },
    end: async () => {
      try {
        socket.write(sized(0))
        const text = await answer
        if (text === 'stream: OK') return null
        const [, name] = /^stream: (.+) FOUND$/.exec(text) ?? []
        if (name === undefined) throw new Error(`The scanner says: ${text}`)
        return name
      } finally {
        socket.destroy()
      }
    },
    abandon: () => socket.destroy(),
  }
}
