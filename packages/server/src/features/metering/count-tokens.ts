import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { InferenceRequest } from '../../domain/inference.ts'
import { estimateInput } from '../../domain/input-estimate.ts'
import type { Log } from '../../kernel/log.ts'
import type { CountJob, CountResult } from './count-job.ts'

/** Counts asked for and not answered yet; more are estimated from their length. A thousand streams cut at once ask for two each. */
const longestQueue = 2_048
/** Bytes of all counts under way; each is copied to the worker. */
const queuedBytes = 67_108_864
/** A text longer than this is estimated at once. */
const longestText = 8_388_608
const bytesPerToken = 4

export interface TokenCounter {
  /** Tokens of a text; an estimate of a token per four bytes when the worker is too busy, or the text too long. */
  countText(text: string): Promise<number>
  /**
   * Input tokens of a request: its texts, three per message, a fixed number per image; never above its bound. By its size
   * when the worker is too busy.
   */
  estimateInput(request: InferenceRequest): Promise<number>
  /** Ends the worker where it has nothing to do; the next count starts another. */
  rest(): void
  /** Ends the worker; what is under way is estimated. */
  stop(): Promise<void>
}

interface Pending {
  readonly bytes: number
  readonly fallback: () => number
  resolve(tokens: number): void
}

/** Where the tokeniser runs: beside this file, as source or compiled. */
const workerFile = new URL(`./count.worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Counts tokens in a worker thread that starts with the first count, keeps no process alive and is replaced when it
 * crashes. Never rejects: what cannot be counted is estimated.
 */
export const createTokenCounter = (log: Log, file: URL = workerFile): TokenCounter => {
  const pending = new Map<number, Pending>()
  let worker: Worker | null = null
  let lastId = 0
  let bytesUnderWay = 0

  const answer = (id: number, tokens: number | null): void => {
    const waiting = pending.get(id)
    if (!waiting) return
    pending.delete(id)
    bytesUnderWay -= waiting.bytes
    waiting.resolve(tokens ?? waiting.fallback())
  }

  /** Forgets a worker that ended, and estimates what it was asked. */
  const drop = (ended: Worker): void => {
    if (worker !== ended) return
    worker = null
    for (const id of [...pending.keys()]) answer(id, null)
  }

  const start = (): Worker => {
    const started = new Worker(file, { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 512 } })
    started.on('message', (result: CountResult) => answer(result.id, result.tokens))
    started.on('error', (error) => {
      log.warn({ component: 'metering', error }, 'The token counter crashed; it starts again with the next count.')
      drop(started)
    })
    started.on('exit', () => drop(started))
    // Last, because a listener for messages makes the worker hold the process again.
    started.unref()
    return started
  }

  const ask = (job: CountJob, bytes: number, fallback: () => number): Promise<number> => {
    if (pending.size >= longestQueue || bytesUnderWay + bytes > queuedBytes) return Promise.resolve(fallback())
    return new Promise((resolve) => {
      worker ??= start()
      pending.set(job.id, { bytes, fallback, resolve })
      bytesUnderWay += bytes
      // A copy of exactly the body, handed over: cloning a view would copy all of the memory behind it.
      if (job.kind === 'chat') {
        const copy = new Uint8Array(job.body)
        worker.postMessage({ ...job, body: copy }, [copy.buffer])
      } else worker.postMessage(job)
    })
  }

  return {
    countText: (text) => {
      if (text === '') return Promise.resolve(0)
      const bytes = Buffer.byteLength(text)
      const fallback = () => Math.ceil(bytes / bytesPerToken)
      if (bytes > longestText) return Promise.resolve(fallback())
      lastId += 1
      return ask({ id: lastId, kind: 'text', text }, bytes, fallback)
    },
    estimateInput: (request) => {
      const { body, inputTokensBound } = request
      const fallback = () => estimateInput(request)
      lastId += 1
      const counted = ask({ id: lastId, kind: 'chat', body }, body.length, fallback)
      return counted.then((tokens) => Math.min(tokens, inputTokensBound))
    },
    rest: () => {
      if (pending.size > 0 || worker === null) return
      void worker.terminate()
      worker = null
    },
    stop: async () => {
      const ended = worker
      if (!ended) return
      drop(ended)
      await ended.terminate()
    },
  }
}
