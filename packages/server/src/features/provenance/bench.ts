import { Worker } from 'node:worker_threads'
import type { InvisibleMark, Marked, Origin, Signer, Stamped, Verification } from './provenance.ports.ts'

/** What a signature takes besides the file. */
export interface Signing {
  readonly signer: Signer
  readonly origin: Origin
  readonly version: string
}

/** What a mark in the pixels takes. */
export interface Stamping {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** What it names, below 2^60. */
  readonly name: bigint
}

/** What the worker is asked: to sign the pictures of an answer, or one file, or to digest them alone; to verify the file of a form. */
export type BenchOrder = { readonly body: ArrayBuffer } & (
  | {
      readonly kind: 'images' | 'file'
      readonly signing: Signing | null
      readonly stamping: Stamping | null
      readonly isRecorded: boolean
    }
  | { readonly kind: 'verify'; readonly contentType: string; readonly roots: string; readonly markKey: Uint8Array }
)

/** What the worker answers. */
export type BenchAnswer =
  | {
      readonly kind: 'marked'
      /** Null where it stays as it was. */
      readonly body: Uint8Array<ArrayBuffer> | null
      readonly marks: readonly Marked[]
      /** What became of the mark in the pixels of each; empty where none was wanted. */
      readonly stamps: readonly Stamped[]
      /** Of each output as it leaves, hexadecimal; null where its provider keeps it. Empty where none is recorded. */
      readonly digests: readonly (string | null)[]
    }
  | { readonly kind: 'verified'; readonly form: VerifiedForm | null }
  | { readonly kind: 'broken'; readonly reason: string }

/** A form of `POST /v1/verify`, read. */
export interface VerifiedForm {
  /** Null where it has no file. */
  readonly verification: Verification | null
  /** Under which outputs like its file are recorded, hexadecimal. */
  readonly digests: readonly string[]
  readonly id: string | null
  /** Null where its file is no picture, or could not be searched. */
  readonly mark: InvisibleMark | null
}

/** Nobody took the order: too many wait. */
export class BenchBusy extends Error {}

interface Waiting {
  readonly order: BenchOrder
  readonly done: (answer: BenchAnswer) => void
}

/** The worker holds tens of mebibytes: it is let go after this long without work. */
const idleMs = 60_000

/**
 * One worker, begun with the first order, that signs and verifies beside the event loop, an order at a time. `bounds`: how many may
 * wait, and how long one may take; then its worker is ended, and the next order has a new one.
 */
export const createBench = (bounds: () => { readonly maxWaiting: number; readonly signMs: number }) => {
  const waiting: Waiting[] = []
  let worker: Worker | null = null
  let running: Waiting | null = null
  let timer: NodeJS.Timeout | undefined

  const end = (): void => {
    void worker?.terminate()
    worker = null
  }
  const start = (): Worker => {
    const started = new Worker(new URL('./provenance.worker.ts', import.meta.url))
    started.unref()
    const broke = (reason: string) => {
      if (worker !== started) return
      worker = null
      finish({ kind: 'broken', reason })
    }
    started.on('message', (answer: BenchAnswer) => {
      if (worker === started) finish(answer)
    })
    started.on('error', (fault) => broke(String(fault)))
    started.on('exit', () => broke('The worker ended'))
    return started
  }
  const next = (): void => {
    clearTimeout(timer)
    const coming = waiting.shift()
    running = coming ?? null
    if (coming === undefined) {
      timer = setTimeout(end, idleMs).unref()
      return
    }
    worker ??= start()
    timer = setTimeout(() => {
      end()
      finish({ kind: 'broken', reason: 'It took too long' })
    }, bounds().signMs)
    worker.postMessage(coming.order, [coming.order.body])
  }
  const finish = (answer: BenchAnswer): void => {
    running?.done(answer)
    next()
  }

  return {
    /** Hands the order’s body over. @throws BenchBusy, or Error where it could not be done. */
    run: (order: BenchOrder): Promise<Exclude<BenchAnswer, { kind: 'broken' }>> => {
      if (waiting.length >= bounds().maxWaiting) return Promise.reject(new BenchBusy('Too many wait to be signed'))
      return new Promise((resolve, reject) => {
        const done = (answer: BenchAnswer) =>
          answer.kind === 'broken' ? reject(new Error(answer.reason)) : resolve(answer)
        waiting.push({ order, done })
        if (running === null) next()
      })
    },
    /** Ends the worker where it has nothing to do. */
    rest: (): void => {
      if (running === null) end()
    },
    stop: async (): Promise<void> => {
      clearTimeout(timer)
      await worker?.terminate()
    },
  }
}
