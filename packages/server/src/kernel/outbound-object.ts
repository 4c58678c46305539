import { request } from 'undici'
import { configuredDoor } from './outbound-door.ts'

/** What is asked of a store of objects. */
export interface ObjectRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** An answer, read to its end. */
export interface ObjectAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/**
 * Asks a store that an operator names; follows no redirect. Rejects after `timeoutMs`, when the connection fails, and when the answer is
 * larger than `mostBytes`.
 */
export const askForObject = async (
  { method, url, headers, body }: ObjectRequest,
  timeoutMs: number,
  mostBytes: number,
): Promise<ObjectAnswer> => {
  const answer = await request(url, {
    dispatcher: configuredDoor,
    method,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(method === 'PUT' && { body }),
  })
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    bytes += piece.length
    // Leaving the loop closes the connection.
    if (bytes > mostBytes) throw new Error(`The answer is larger than ${mostBytes} bytes`)
    pieces.push(piece)
  }
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces, bytes) }
}
