import { parentPort, type Transferable, Worker } from 'node:worker_threads'
import { AppError, type AppErrorOptions } from './errors.ts'

/** Work that is done beside the event loop, one order after the other. */
export interface WorkerPort<Order, Answer> {
  /** @throws AppError as the worker threw it, or `internal_error` where it ended. */
  ask(order: Order, transfer?: readonly Transferable[]): Promise<Answer>
  /** Ends the worker where it has nothing to do; the next order starts another. */
  rest(): void
  stop(): Promise<void>
}

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (fault: Error) => void
}

type Reply<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly code: AppError['code']; readonly options: AppErrorOptions }

/** A worker that runs `module`, which calls `serveOrders`; started when first needed, and again after it ended. */
export const createWorkerPort = <Order, Answer>(module: URL): WorkerPort<Order, Answer> => {
  const waiting = new Map<number, Waiting<Answer>>()
  let worker: Worker | null = null
  let next = 0

  const fail = (failed: Worker, cause: unknown): void => {
    if (worker !== failed) return
    worker = null
    for (const { reject } of waiting.values()) reject(new AppError('internal_error', { cause }))
    waiting.clear()
  }

  const start = (): Worker => {
    const started = new Worker(module)
    started.unref()
    started.on('message', (reply: Reply<Answer>) => {
      const entry = waiting.get(reply.id)
      waiting.delete(reply.id)
      if ('code' in reply) entry?.reject(new AppError(reply.code, reply.options))
      else entry?.resolve(reply.answer)
    })
    started.on('error', (cause) => fail(started, cause))
    started.on('exit', () => fail(started, new Error('The worker ended')))
    return started
  }

  return {
    ask: (order, transfer = []) =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        worker ??= start()
        worker.postMessage({ id, order }, [...transfer])
      }),
    rest: () => {
      if (waiting.size > 0 || worker === null) return
      void worker.terminate()
      worker = null
    },
    stop: async () => void (await worker?.terminate()),
  }
}

/** What a worker answers, and what of it is handed over rather than copied. */
export interface Served<Answer> {
  readonly answer: Answer
  readonly transfer?: readonly Transferable[]
}

/** The worker's side: answers each order; what is thrown reaches who asked, as far as it is catalogued. */
export const serveOrders = <Order, Answer>(handle: (order: Order) => Served<Answer>): void => {
  parentPort?.on('message', ({ id, order }: { id: number; order: Order }) => {
    try {
      const { answer, transfer = [] } = handle(order)
      parentPort?.postMessage({ id, answer }, [...transfer])
    } catch (fault) {
      const known = fault instanceof AppError ? fault : new AppError('internal_error')
      const { cause: _cause, ...options } = known.options
      parentPort?.postMessage({ id, code: known.code, options: { ...options, detail: known.message } })
    }
  })
}

/** The memory of a buffer, to be handed over: without a copy when nothing else lives in it. */
export const ownMemory = ({ buffer, byteOffset, length }: Buffer): ArrayBuffer =>
  (length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length)) as ArrayBuffer
