import { isUtf8 } from 'node:buffer'
import type { BatchEndpoint } from '@headgate/contract/files.ts'
import { AppError } from '../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../kernel/json.ts'
import type { BatchFault } from './batches.store.ts'

/** A line of an input file that can be called. */
export interface BatchLine {
  /** From 1. */
  readonly number: number
  readonly customId: string
  /** The call's body as it stands in the line. */
  readonly body: Buffer
}

const LINE_END = 10
const MOST_CUSTOM_ID = 512
const unprintable = /[\p{Cc}\p{Cs}]/u

/** The lines of a file, from 1; blank ones are left out. @throws AppError `request_too_large` of a line that is too long. */
export const splitLines = async function* (pieces: AsyncIterable<Buffer>, mostBytes: number) {
  let number = 1
  let rest: Buffer[] = []
  let size = 0
  const grow = (part: Buffer): void => {
    size += part.length
    if (size > mostBytes) throw new AppError('request_too_large', { params: { limit_bytes: mostBytes, line: number } })
    rest.push(part)
  }
  for await (const piece of pieces) {
    let from = 0
    for (let end = piece.indexOf(LINE_END); end !== -1; end = piece.indexOf(LINE_END, from)) {
      grow(piece.subarray(from, end))
      const bytes = Buffer.concat(rest)
      if (bytes.some((byte) => byte > 32)) yield { number, bytes }
      rest = []
      size = 0
      number += 1
      from = end + 1
    }
    grow(piece.subarray(from))
  }
  const bytes = Buffer.concat(rest)
  if (bytes.some((byte) => byte > 32)) yield { number, bytes }
}

const wrong = (detail: string, param: string): AppError =>
  new AppError('invalid_parameter', { detail, details: [{ location: param, message: detail, fix: detail }] })

/** Reads a line. @throws AppError of the request family. */
export const readLine = (number: number, bytes: Buffer, endpoint: BatchEndpoint): BatchLine => {
  if (!isUtf8(bytes)) throw new AppError('invalid_encoding')
  const { members, duplicates } = outlineJson(bytes)
  const [duplicate] = duplicates
  if (duplicate !== undefined) throw new AppError('duplicate_parameter', { detail: `${duplicate} stands twice.` })
  const { custom_id: customId, method, url, body } = parseJson(bytes) as Record<string, unknown>
  if (typeof customId !== 'string' || customId === '' || customId.length > MOST_CUSTOM_ID || unprintable.test(customId))
    throw wrong(`custom_id must be a text of 1 to ${MOST_CUSTOM_ID} characters.`, 'custom_id')
  if (method !== 'POST') throw wrong('method must be "POST".', 'method')
  if (url !== endpoint) throw wrong(`url must be "${endpoint}", the endpoint of the batch.`, 'url')
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('body must be an object.', 'body')
  const { model, stream } = body as { model?: unknown; stream?: unknown }
  if (typeof model !== 'string' || model.trim() === '') throw wrong('body.model must name a model.', 'body.model')
  if (stream !== undefined && stream !== null && stream !== false)
    throw wrong('body.stream must be left out: nobody reads along.', 'body.stream')
  const { start, end } = members.get('body') as { start: number; end: number }
  return { number, customId, body: Buffer.from(bytes.subarray(start, end)) }
}

const MOST_FAULTS = 100

/** How many lines an input has, and what is wrong with it; stops after a hundred faults. */
export const checkLines = async (
  lines: AsyncIterable<{ readonly number: number; readonly bytes: Buffer }>,
  endpoint: BatchEndpoint,
  mostLines: number,
): Promise<{ readonly total: number; readonly faults: readonly BatchFault[] }> => {
  const faults: BatchFault[] = []
  const ids = new Map<string, number>()
  let total = 0
  const note = (line: number | null, { code, options, message }: AppError): void => {
    faults.push({ code, line, message, param: options.details?.[0]?.location ?? null })
  }
  try {
    for await (const { number, bytes } of lines) {
      total += 1
      if (total > mostLines) {
        note(number, wrong(`A batch has at most ${mostLines} lines.`, 'input_file_id'))
        break
      }
      try {
        const { customId } = readLine(number, bytes, endpoint)
        const first = ids.get(customId)
        if (first === undefined) ids.set(customId, number)
        else note(number, new AppError('duplicate_parameter', { detail: `custom_id is that of line ${first}.` }))
      } catch (fault) {
        if (!(fault instanceof AppError)) throw fault
        note(number, fault)
      }
      if (faults.length >= MOST_FAULTS) break
    }
  } catch (fault) {
    if (!(fault instanceof AppError) || fault.code !== 'request_too_large') throw fault
    note(Number(fault.options.params?.['line']), fault)
  }
  if (total === 0 && faults.length === 0) note(null, wrong('The file has no line.', 'input_file_id'))
  return { total, faults }
}
