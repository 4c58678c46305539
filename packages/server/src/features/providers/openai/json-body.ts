import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { ProviderFault } from '../provider.ts'
import { faultOfErrorObject } from './faults.ts'
import { findUsage } from './usage.ts'

/** Up to this size an answer is parsed whole; a larger one is checked at its ends, to keep the event loop free. */
export const parsedBytes = 1_048_576
/** Most that decompression may multiply a body by, above a first 64 KiB. */
const MAX_RATIO = 100
const FREE_BYTES = 65_536

const decoders: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip) as never,
  'x-gzip': promisify(gunzip) as never,
  deflate: promisify(inflate) as never,
  br: promisify(brotliDecompress) as never,
}

const malformed = (status: number, cause?: unknown): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: status, retry: 'elsewhere', cause })

const truncated = (status: number): ProviderFault =>
  new ProviderFault('upstream_truncated', { upstreamStatus: status, retry: 'never' })

/** The answer is larger than allowed, as sent or decompressed. */
export const tooLarge = (status: number): ProviderFault =>
  new ProviderFault('upstream_response_too_large', { upstreamStatus: status, retry: 'never' })

/**
 * Undoes a content-encoding that nobody asked for.
 * @throws ProviderFault when it would grow beyond `maxBytes` or a hundredfold, ends early, or is unknown.
 */
export const decodeBody = async (body: Buffer, encoding: string, maxBytes: number, status: number): Promise<Buffer> => {
  const decode = decoders[encoding.trim().toLowerCase()]
  if (decode === undefined) throw malformed(status)
  try {
    return await decode(body, {
      maxOutputLength: Math.min(maxBytes, Math.max(FREE_BYTES, body.length * MAX_RATIO)),
    })
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(status)
    throw code === 'Z_BUF_ERROR' ? truncated(status) : malformed(status, error)
  }
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const faultOfSyntax = (error: unknown, text: string, status: number): ProviderFault => {
  if (!/^\s*[{[]/.test(text)) return text.trim() === '' ? truncated(status) : malformed(status, error)
  const message = String(error)
  const position = /position (\d+)/.exec(message)?.[1]
  const isCut = /end of JSON|Unterminated/.test(message) || Number(position) >= text.length
  return isCut ? truncated(status) : malformed(status, error)
}

/** Checks the ends of an object too large to be parsed. @throws ProviderFault. */
export const checkEnds = (body: Buffer, status: number): void => {
  let first = 0
  let last = body.length - 1
  while (isBlank(body[first])) first++
  while (isBlank(body[last])) last--
  if (body[first] !== 0x7b) throw malformed(status)
  if (body[last] !== 0x7d) throw truncated(status)
}

/** The members of a whole JSON object. @throws ProviderFault `upstream_truncated` or `upstream_malformed`. */
export const parseObject = (body: Buffer, status: number): Readonly<Record<string, unknown>> => {
  const text = body.toString('utf8')
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (error) {
    throw faultOfSyntax(error, text, status)
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw malformed(status)
  return answer as Readonly<Record<string, unknown>>
}

/**
 * Checks that a 2xx body is a whole JSON object and reads its usage.
 * @throws ProviderFault `upstream_truncated` or `upstream_malformed`, or the fault that an error object in it means.
 */
export const readJsonAnswer = (body: Buffer, status: number, secrets: readonly string[]): Usage | null => {
  if (body.length > parsedBytes) {
    checkEnds(body, status)
    return findUsage(body)
  }
  const answer = parseObject(body, status)
  const { error, choices, data, usage } = answer
  if (error !== undefined && error !== null && choices === undefined && data === undefined)
    throw faultOfErrorObject(answer, status, secrets)
  return readUsage(usage)
}
