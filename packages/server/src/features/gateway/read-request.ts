import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { readMessagesRequest } from './messages/request.ts'
import { readInferenceRequest } from './openai-wire.ts'

/** What a body is written as: a call of OpenAI's, a call of the Messages API, or a question for the tokens of one. */
export type Wire = Operation | 'messages' | 'message_tokens'

/** Reads a body. @throws AppError of the request family. */
export const readRequest = (wire: Wire, bytes: Buffer): InferenceRequest => {
  if (wire === 'messages' || wire === 'message_tokens') return readMessagesRequest(bytes, wire === 'message_tokens')
  return readInferenceRequest(wire, bytes)
}
