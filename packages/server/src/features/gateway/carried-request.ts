import type { InferenceRequest } from '../../domain/inference.ts'
import { ownMemory } from '../../kernel/worker-port.ts'

/** A request on its way between threads: its bytes are handed over, not copied. */
export interface CarriedRequest {
  readonly request: Omit<InferenceRequest, 'body'>
  readonly body: ArrayBuffer
  /** Of a request in the Messages protocol. */
  readonly messages?: ArrayBuffer
}

/** Packs a request for another thread; it must not be used here any more. */
export const carry = ({ body, translation, ...request }: InferenceRequest) => {
  const { messages, ...rest } = translation ?? {}
  const memory = ownMemory(body)
  const written = messages && ownMemory(messages)
  const carried: CarriedRequest = {
    request: { ...request, ...(translation && { translation: rest as typeof translation }) },
    body: memory,
    ...(written && { messages: written }),
  }
  return { carried, transfer: written === undefined ? [memory] : [memory, written] }
}

/** The request that another thread packed. */
export const unpack = ({ request, body, messages }: CarriedRequest): InferenceRequest => {
  const { translation } = request
  const original = translation && messages && { translation: { ...translation, messages: Buffer.from(messages) } }
  return { ...request, ...original, body: Buffer.from(body) }
}
