import { once } from 'node:events'
import type { Socket } from 'node:net'
import type pg from 'pg'

/** What of a connection’s protocol COPY needs (PostgreSQL, frontend/backend protocol, COPY operations). */
interface CopyConnection {
  readonly query: (text: string) => void
  readonly sendCopyFromChunk: (chunk: Uint8Array) => void
  readonly endCopyFrom: () => void
  readonly sendCopyFail: (reason: string) => void
  readonly stream: Socket
}

/** A query of one’s own, as the driver takes it beside its own ones. */
const submittable = (
  text: string,
  parts: {
    readonly onData?: (chunk: Buffer, connection: CopyConnection) => void
    readonly onReady?: (connection: CopyConnection) => void
    readonly onEnd: (error: unknown) => void
  },
) => {
  return {
    submit: (connection: CopyConnection) => connection.query(text),
    handleCopyData: ({ chunk }: { chunk: Buffer }, connection: CopyConnection) => parts.onData?.(chunk, connection),
    handleCopyInResponse: (connection: CopyConnection) => parts.onReady?.(connection),
    // The driver tells a query that failed nothing more, and waits by itself until the next may begin.
    handleError: (error: unknown) => parts.onEnd(error),
    handleReadyForQuery: () => parts.onEnd(undefined),
    handleRowDescription: () => {},
    handleDataRow: () => {},
    handleCommandComplete: () => {},
    handlePortalSuspended: () => {},
    handleEmptyQuery: () => {},
  }
}

const submit = (client: pg.Client, query: object): void => {
  // The query itself comes back, and no promise: it tells by its own functions how it ended.
  void client.query(query as unknown as string)
}

/** Bytes that wait for a slow reader before the sender is held up. */
const mostWaiting = 1_048_576

/** Runs a `COPY … TO STDOUT` and gives what comes, holding the server up where the reader is slower. */
export async function* copyOut(client: pg.Client, text: string): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = []
  let bytes = 0
  let ended = false
  let failed: unknown
  let held: Socket | undefined
  let wake = () => {}
  const query = submittable(text, {
    onData: (chunk, { stream }) => {
      // The driver uses its buffer again.
      waiting.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > mostWaiting && held === undefined) {
        held = stream
        stream.pause()
      }
      wake()
    },
    onEnd: (error) => {
      ended = true
      failed ??= error
      wake()
    },
  })
  submit(client, query)
  const release = () => {
    held?.resume()
    held = undefined
  }
  try {
    for (;;) {
      const chunk = waiting.shift()
      if (chunk !== undefined) {
        bytes -= chunk.length
        yield chunk
        continue
      }
      if (ended) break
      release()
      await new Promise<void>((resolve) => {
        wake = resolve
        if (waiting.length > 0 || ended) resolve()
      })
    }
  } finally {
    release()
  }
  if (failed !== undefined) throw failed
}

/** Runs a `COPY … FROM STDIN` with what `chunks` give; where they fail, nothing is taken. */
export const copyIn = async (client: pg.Client, text: string, chunks: AsyncIterable<Uint8Array>): Promise<void> => {
  let over = false
  let cause: unknown
  const pump = async (connection: CopyConnection): Promise<void> => {
    try {
      for await (const chunk of chunks) {
        if (over) return
        connection.sendCopyFromChunk(chunk)
        if (connection.stream.writableNeedDrain) await Promise.race([once(connection.stream, 'drain'), ending])
      }
      if (!over) connection.endCopyFrom()
    } catch (thrown) {
      cause = thrown
      if (!over) connection.sendCopyFail('the sender failed')
    }
  }
  let finish = () => {}
  const ending = new Promise<void>((resolve) => {
    finish = resolve
  })
  let pumping: Promise<void> | undefined
  await new Promise<void>((resolve, reject) => {
    const query = submittable(text, {
      onReady: (connection) => {
        pumping = pump(connection)
      },
      onEnd: (error) => {
        over = true
        finish()
        if (error === undefined) resolve()
        else reject(cause ?? error)
      },
    })
    submit(client, query)
  })
  await pumping
}
