import type { InferenceRequest } from '../../domain/inference.ts'
import { createWorkerPort, ownMemory } from '../../kernel/worker-port.ts'
import { type CarriedRequest, unpack } from './carried-request.ts'
import { type CompletionCall, readCompletion, readRequest, type Wire } from './read-request.ts'
import { readResponseRequest, type ResponseRequest, translateResponseRequest } from './responses/request.ts'

/** Larger bodies are read beside the event loop: parsing 8 MB takes a hundred milliseconds, which every stream would feel. */
const INLINE_BYTES = 1_048_576

/** What the worker is asked: to read a body, or to translate what was read of one after what came before it. */
export type LargeBodyOrder =
  | { readonly wire: Wire | 'completions' | 'responses'; readonly memory: ArrayBuffer }
  | { readonly wire: 'history'; readonly asked: ResponseRequest; readonly history: readonly unknown[] }

/** What the worker answers. */
export interface LargeBodyAnswer {
  /** Absent of a response whose history must be known first. */
  readonly carried?: CarriedRequest
  readonly asked?: ResponseRequest
  readonly completion?: Omit<CompletionCall, 'request'>
}

/** A request for a response as read, and its translation once what came before it is known. */
export interface ReadResponse {
  readonly asked: ResponseRequest
  /** @throws AppError of the request family. */
  readonly translate: (history: readonly unknown[]) => InferenceRequest | Promise<InferenceRequest>
}

/** Reads requests: small bodies in place, large ones in a worker that is started when first needed. All throw AppErrors of the request family. */
export const createRequestReader = () => {
  const port = createWorkerPort<LargeBodyOrder, LargeBodyAnswer>(new URL('./large-body.worker.ts', import.meta.url))

  const readBeside = (wire: Wire | 'completions' | 'responses', bytes: Buffer): Promise<LargeBodyAnswer> => {
    const memory = ownMemory(bytes)
    return port.ask({ wire, memory }, [memory])
  }

  const readResponseBeside = async (bytes: Buffer): Promise<ReadResponse> => {
    const { asked, carried } = (await readBeside('responses', bytes)) as LargeBodyAnswer & { asked: ResponseRequest }
    if (carried !== undefined) {
      const request = unpack(carried)
      return { asked, translate: () => request }
    }
    return {
      asked,
      translate: async (history) => {
        const answer = await port.ask({ wire: 'history', asked, history })
        return unpack(answer.carried as CarriedRequest)
      },
    }
  }

  return {
    read: (wire: Wire, bytes: Buffer): InferenceRequest | Promise<InferenceRequest> => {
      if (bytes.length <= INLINE_BYTES) return readRequest(wire, bytes)
      return readBeside(wire, bytes).then(({ carried }) => unpack(carried as CarriedRequest))
    },
    readCompletion: (bytes: Buffer): CompletionCall | Promise<CompletionCall> => {
      if (bytes.length <= INLINE_BYTES) return readCompletion(bytes)
      return readBeside('completions', bytes).then(({ carried, completion }) => ({
        ...(completion as Omit<CompletionCall, 'request'>),
        request: unpack(carried as CarriedRequest),
      }))
    },
    readResponse: (bytes: Buffer): ReadResponse | Promise<ReadResponse> => {
      if (bytes.length > INLINE_BYTES) return readResponseBeside(bytes)
      const asked = readResponseRequest(bytes)
      return { asked, translate: (history) => translateResponseRequest(asked, history) }
    },
    /** Ends the worker where it has nothing to do; the next large body starts another. */
    rest: port.rest,
    stop: port.stop,
  }
}

/** Reads what callers send. */
export type RequestReader = ReturnType<typeof createRequestReader>
