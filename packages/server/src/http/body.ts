import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../kernel/errors.ts'
import type { BodyStream } from '../kernel/route.ts'

const tooLarge = (limit: number): AppError =>
  new AppError('request_too_large', {
    detail: `This route takes at most ${limit} bytes.`,
    params: { limit_bytes: limit },
  })

/**
 * Refuses by the announced length and type, before a byte of the body is read.
 * @throws AppError `request_too_large` or `unsupported_media_type`.
 */
export const checkBodyHeaders = (
  request: IncomingMessage,
  limit: number,
  kind: 'json' | 'form' | 'stream' = 'json',
): void => {
  const { headers } = request
  const length = headers['content-length']
  if (length !== undefined && Number(length) > limit) throw tooLarge(limit)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity')
    throw new AppError('unsupported_media_type', { detail: 'Compressed bodies are not taken.' })
  if (kind === 'stream') return
  const type = headers['content-type']
  if (kind === 'form') {
    if (type === undefined || !/^multipart\/form-data\b/i.test(type))
      throw new AppError('unsupported_media_type', {
        detail: 'This route takes a form.',
        details: [
          { location: 'content-type', message: 'is no form', fix: 'Send multipart/form-data, as FormData writes it.' },
        ],
      })
    return
  }
  if (type === undefined || type === 'application/json') return
  const [essence = '', ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  if (!/^application\/([a-z0-9.-]+\+)?json$/.test(essence) || (charset && !/^charset="?utf-?8"?$/.test(charset)))
    throw new AppError('unsupported_media_type')
}

/** From here on a body of announced length is gathered where it stays: in chunks and then whole it would take its room twice. */
const GATHERED_BYTES = 262_144

/** The announced length where it is worth memory of its own; 0 else. Untouched memory costs nothing until bytes arrive. */
const announcedRoom = ({ headers }: IncomingMessage, limit: number): number => {
  const length = Number(headers['content-length'] ?? 0)
  return length > GATHERED_BYTES && length <= limit ? length : 0
}

const join = (chunks: readonly Buffer[], size: number): Buffer => {
  if (chunks.length === 1) return chunks[0] as Buffer
  // Its own memory, never a slice of a shared pool, so that a worker can take it over without a copy.
  const whole = Buffer.allocUnsafeSlow(size)
  let offset = 0
  for (const chunk of chunks) offset += chunk.copy(whole, offset)
  return whole
}

/**
 * Reads a whole body of at most `limit` bytes; tells a caller to go on who asked first (`Expect: 100-continue`).
 * @throws AppError `request_too_large` as soon as the limit is passed, `client_closed_request` when the caller leaves.
 */
export const readBody = (request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Who left while the key was being looked up sends no event any more.
    if (request.destroyed) {
      reject(new AppError('client_closed_request'))
      return
    }
    const chunks: Buffer[] = []
    const room = announcedRoom(request, limit)
    // Its own memory, as that of `join`.
    const whole = room === 0 ? null : Buffer.allocUnsafeSlow(room)
    let size = 0
    let ended = false
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        request.off('data', take)
        chunks.length = 0
        reject(tooLarge(limit))
        return
      }
      if (whole === null) chunks.push(chunk)
      else chunk.copy(whole, size - chunk.length)
    }
    if (request.headers.expect !== undefined) response.writeContinue()
    request.on('data', take)
    request.on('end', () => {
      ended = true
      resolve(whole ?? join(chunks, size))
    })
    request.on('error', (cause) => reject(new AppError('client_closed_request', { cause })))
    request.on('close', () => {
      if (!ended) reject(new AppError('client_closed_request'))
    })
  })

/** A body of at most `limit` bytes that is read as it comes, and asked for only when it is read. */
export const streamBody = (request: IncomingMessage, response: ServerResponse, limit: number): BodyStream => {
  const { headers } = request
  const announced = headers['content-length']
  const pieces = async function* (): AsyncGenerator<Buffer> {
    if (headers.expect !== undefined) response.writeContinue()
    let size = 0
    try {
      // Who leaves off reading still has an error to send: the connection stays.
      for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += piece.length
        if (size > limit) throw tooLarge(limit)
        yield piece
      }
    } catch (cause) {
      throw cause instanceof AppError ? cause : new AppError('client_closed_request', { cause })
    }
  }
  const none = headers['transfer-encoding'] === undefined ? 0 : null
  return { length: announced === undefined ? none : Number(announced), pieces }
}
