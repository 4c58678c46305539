import { Worker } from 'node:worker_threads'
import type { InferenceRequest } from '../../domain/inference.ts'
import { AppError, type AppErrorOptions } from '../../kernel/errors.ts'
import { readRequest, type Wire } from './read-request.ts'

/** Larger bodies are read beside the event loop: parsing 8 MB takes a hundred milliseconds, which every stream would feel. */
const INLINE_BYTES = 1_048_576

type Reading = {
  readonly request: Omit<InferenceRequest, 'body'>
  readonly body: ArrayBuffer
  /** Of a request in the Messages protocol. */
  readonly messages?: ArrayBuffer
}
type Refusal = { readonly code: AppError['code']; readonly options: AppErrorOptions }
/** What the worker answers. */
export type LargeBodyAnswer = ({ readonly id: number } & (Reading | Refusal)) & object

interface Waiting {
  readonly resolve: (request: InferenceRequest) => void
  readonly reject: (fault: Error) => void
}

/** The memory of a body, to be handed over: without a copy when nothing else lives in it. */
export const ownMemory = ({ buffer, byteOffset, length }: Buffer): ArrayBuffer =>
  (length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length)) as ArrayBuffer

/** Reads requests: small bodies in place, large ones in a worker that is started when first needed. */
export const createRequestReader = () => {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let next = 0

  const fail = (failed: Worker, fault: Error) => {
    if (worker !== failed) return
    worker = null
    for (const { reject } of waiting.values()) reject(fault)
    waiting.clear()
  }
  const start = (): Worker => {
    const started = new Worker(new URL('./large-body.worker.ts', import.meta.url))
    started.unref()
    started.on('message', (answer: LargeBodyAnswer) => {
      const entry = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('code' in answer) entry?.reject(new AppError(answer.code, answer.options))
      else {
        const { request, body, messages } = answer
        const { translation } = request
        const original = translation && messages && { translation: { ...translation, messages: Buffer.from(messages) } }
        entry?.resolve({ ...request, ...original, body: Buffer.from(body) })
      }
    })
    started.on('error', (cause) => fail(started, new AppError('internal_error', { cause })))
    started.on('exit', () => fail(started, new AppError('internal_error', { cause: new Error('The worker ended') })))
    return started
  }

  const read = (wire: Wire, bytes: Buffer): InferenceRequest | Promise<InferenceRequest> => {
    if (bytes.length <= INLINE_BYTES) return readRequest(wire, bytes)
    return new Promise((resolve, reject) => {
      const id = next++
      waiting.set(id, { resolve, reject })
      worker ??= start()
      const memory = ownMemory(bytes)
      worker.postMessage({ id, wire, memory }, [memory])
    })
  }
  /** Ends the worker where it has nothing to do; the next large body starts another. */
  const rest = (): void => {
    if (waiting.size > 0 || worker === null) return
    void worker.terminate()
    worker = null
  }
  return { read, rest, stop: async () => void (await worker?.terminate()) }
}
