import { Worker } from 'node:worker_threads'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { ProviderFault, abortReason } from '../provider.ts'
import { engineBroke } from './engine.ts'

/** What the worker is asked, and where the installed packages are. */
export interface EmbeddingsOrder {
  readonly texts: readonly string[]
}

/** A vector of each text and the tokens of all, or why there are none. */
export type EmbeddingsAnswer =
  | { readonly vectors: readonly Float32Array<ArrayBuffer>[]; readonly tokens: number }
  | { readonly reason: string }

type Vectors = Exclude<EmbeddingsAnswer, { reason: string }>

/** Model and library hold some 200 MB: they are let go after this long without work. */
const idleMs = 60_000

/** One worker, begun with the first order, that embeds an order at a time; one that takes too long is ended with its worker. */
export const createEmbeddingBench = () => {
  let worker: Worker | null = null
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let idle: NodeJS.Timeout | undefined

  const end = async (): Promise<void> => {
    clearTimeout(idle)
    const ended = worker
    worker = null
    await ended?.terminate()
  }
  const start = (): Worker => {
    const started = new Worker(new URL('./embeddings.worker.ts', import.meta.url), { execArgv: [] })
    // Told to whoever waits; nobody may.
    started.on('error', () => undefined)
    started.on('exit', () => {
      if (worker === started) worker = null
    })
    return started
  }
  const ask = (order: EmbeddingsOrder, timeoutMs: number, signal: CancelSignal): Promise<Vectors> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortReason(signal))
      const asked = (worker ??= start())
      const finish = (then: () => void) => {
        clearTimeout(limit)
        asked.off('message', hear).off('error', broke).off('exit', broke)
        asked.unref()
        signal.removeEventListener('abort', leave)
        then()
      }
      const fail = (fault: Error) =>
        finish(() => {
          void end()
          reject(fault)
        })
      const leave = () => fail(abortReason(signal))
      const limit = setTimeout(
        () => fail(new ProviderFault('upstream_timeout', { upstreamStatus: 0, retry: 'elsewhere' })),
        timeoutMs,
      )
      signal.addEventListener('abort', leave)
      asked.ref()
      const hear = (answer: EmbeddingsAnswer) => {
        if ('reason' in answer) fail(engineBroke('The embedding model could not be run.'))
        else finish(() => resolve(answer))
      }
      const broke = () => fail(engineBroke('The embedding model ended.'))
      asked.on('message', hear).on('error', broke).on('exit', broke)
      asked.postMessage(order)
    })

  return {
    /** @throws ProviderFault, or the reason of the signal. */
    run: async (order: EmbeddingsOrder, timeoutMs: number, signal: CancelSignal): Promise<Vectors> => {
      clearTimeout(idle)
      waiting += 1
      const mine = last.then(() => ask(order, timeoutMs, signal))
      last = mine.catch(() => undefined)
      try {
        return await mine
      } finally {
        waiting -= 1
        if (waiting === 0) idle = setTimeout(() => void end(), idleMs).unref()
      }
    },
    /** Ends the worker where it has nothing to do. */
    rest: (): void => {
      if (waiting === 0) void end()
    },
    stop: end,
  }
}
