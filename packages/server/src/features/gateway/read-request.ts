import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import { type CompletionRequest, readCompletionRequest } from './completions/request.ts'
import { readMessagesRequest } from './messages/request.ts'
import { readInferenceRequest } from './openai-wire.ts'

/** What a body is written as: a call of OpenAI's, a call of the Messages API, or a question for the tokens of one. */
export type Wire = Operation | 'messages' | 'message_tokens'

/** Reads a body. @throws AppError of the request family. */
export const readRequest = (wire: Wire, bytes: Buffer): InferenceRequest => {
  if (wire === 'messages' || wire === 'message_tokens') return readMessagesRequest(bytes, wire === 'message_tokens')
  return readInferenceRequest(wire, bytes)
}

/** A request for a completion, and the chat that it comes to. */
export interface CompletionCall {
  readonly asked: CompletionRequest
  readonly request: InferenceRequest
}

/** Reads a body of the legacy Completions API. @throws AppError of the request family. */
export const readCompletion = (bytes: Buffer): CompletionCall => {
  const { chat, translation, ...asked } = readCompletionRequest(bytes)
  return { asked, request: { ...readInferenceRequest('chat', chat), translation } }
}
