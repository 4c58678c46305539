import { AppError } from '../../kernel/errors.ts'
import { numberEvent } from './number-events.ts'
import type { PresentFault, StreamHead } from './streams.ports.ts'

export const asAppError = (fault: unknown): AppError =>
  fault instanceof AppError ? fault : new AppError('internal_error', { cause: fault })

/** The fault with what a reader needs to go on: the stream, and the number of the last event that it has. */
export const withCursor = (fault: Error, id: string, cursor: number): AppError => {
  const { code, options, message } = asAppError(fault)
  const params = { ...options.params, stream_id: id, cursor }
  return new AppError(code, { ...options, detail: message, params })
}

/** An event as it is kept: events of `responses` bear their number inside. */
export const keptEvent = ({ protocol }: Pick<StreamHead, 'protocol'>, event: Buffer, number: number): Buffer =>
  protocol === 'responses' ? event : numberEvent(event, number)

/** The last event of a stream that is not whole; `cursor` is the number of the one before it. */
export const faultEvent = (
  present: PresentFault,
  head: Pick<StreamHead, 'protocol' | 'requestId'>,
  {
    id,
    fault,
    cursor,
    number = cursor + 1,
  }: { readonly id: string; readonly fault: AppError; readonly cursor: number; readonly number?: number },
): Buffer => {
  const text = present(head.protocol, withCursor(fault, id, cursor), head.requestId, number)
  return keptEvent(head, Buffer.from(text), number)
}
