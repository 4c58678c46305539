import { Worker } from 'node:worker_threads'
import type { CancelSignal } from '../../kernel/cancellation.ts'

/** What is looked at: the bytes of one picture. */
export interface PictureOrder {
  readonly bytes: Uint8Array
}

/** Classes of the model, by how likely it holds each, from 0 to 1; together 1. */
export const pictureClasses = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'] as const
export type PictureScores = Readonly<Record<(typeof pictureClasses)[number], number>>

/** What the model says of the worst frame, or why it says nothing. */
export type PictureAnswer = { readonly scores: PictureScores } | { readonly reason: string }

/** Looks at one picture. Rejects where it cannot be read, the model is not installed, or it takes too long. */
export type LookAtPicture = (bytes: Uint8Array, timeoutMs: number, signal: CancelSignal) => Promise<PictureScores>

/** Model and library hold some 200 MB: they are let go after this long without work. */
const idleMs = 60_000
/** Pictures that wait; each holds its bytes. */
const mostWaiting = 32

/** One worker, begun with the first picture, that looks at one at a time; one that takes too long is ended with its worker. */
export const createPictureBench = () => {
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
    const started = new Worker(new URL('./picture.worker.ts', import.meta.url), { execArgv: [] })
    // Told to whoever waits; nobody may.
    started.on('error', () => undefined)
    started.on('exit', () => {
      if (worker === started) worker = null
    })
    return started
  }
  const ask = (bytes: Uint8Array, timeoutMs: number): Promise<PictureScores> =>
    new Promise((resolve, reject) => {
      const asked = (worker ??= start())
      const finish = (then: () => void): void => {
        clearTimeout(limit)
        asked.off('message', hear).off('error', broke).off('exit', broke)
        asked.unref()
        then()
      }
      const fail = (fault: Error): void =>
        finish(() => {
          void end()
          reject(fault)
        })
      const limit = setTimeout(() => fail(new Error('The picture took too long')), timeoutMs)
      asked.ref()
      const hear = (answer: PictureAnswer): void =>
        finish(() => ('reason' in answer ? reject(new Error(answer.reason)) : resolve(answer.scores)))
      const broke = (): void => fail(new Error('What looks at pictures ended'))
      asked.on('message', hear).on('error', broke).on('exit', broke)
      asked.postMessage({ bytes } satisfies PictureOrder)
    })

  const look: LookAtPicture = async (bytes, timeoutMs, signal) => {
    if (waiting >= mostWaiting) throw new Error('Too many pictures wait')
    clearTimeout(idle)
    waiting += 1
    const mine = last.then(() => {
      // What is being looked at is looked at to its end: a model that is loaded anew for each caller who leaves would be a way to keep it busy.
      if (signal.aborted) throw new Error('Nobody waits for it')
      return ask(bytes, timeoutMs)
    })
    last = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      waiting -= 1
      if (waiting === 0) idle = setTimeout(() => void end(), idleMs).unref()
    }
  }
  return {
    name: 'pictures',
    look,
    /** Ends the worker where it has nothing to do. */
    relieve: (): void => {
      if (waiting === 0) void end()
    },
    stop: end,
  }
}
