import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { CancelSignal } from '../kernel/cancellation.ts'
import { AppError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/route.ts'
import { writeHead } from './reply.ts'
import { READER_STALL_MS } from './stalled-reader.ts'

type FileReply = Extract<Reply, { kind: 'file' }>

/**
 * Writes a file as its pieces come and as fast as the reader takes them, and releases it in every case. A reader that takes nothing for a minute is cut.
 * @throws AppError `client_closed_request` when the caller left; what the pieces throw, after which the connection is cut.
 */
export const writeFileReply = async (
  response: ServerResponse,
  reply: FileReply,
  headers: Record<string, string>,
  left: CancelSignal,
): Promise<void> => {
  try {
    if (left.aborted) throw new AppError('client_closed_request')
    writeHead(response, reply.status ?? 200, { ...headers, ...reply.headers, 'content-type': reply.contentType })
    if (response.req.method === 'HEAD') {
      response.end()
      return
    }
    response.setTimeout(READER_STALL_MS)
    response.prependOnceListener('finish', () => response.socket?.setTimeout(0))
    await pipeline(reply.pieces, response)
  } catch (cause) {
    throw left.aborted ? new AppError('client_closed_request', { cause }) : cause
  } finally {
    reply.release()
  }
}
