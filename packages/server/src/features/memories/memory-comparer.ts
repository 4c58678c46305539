import type { Clock, Timer } from '../../kernel/clock.ts'
import { createWorkerPort } from '../../kernel/worker-port.ts'
import { cosine, type PackedVector } from './memory-vector.ts'

/** Vectors, one after the other, that are compared with one. */
export interface CompareOrder {
  readonly query: Float32Array
  /** All of them have as many numbers as the query. */
  readonly numbers: ArrayBuffer
  readonly scales: Float32Array
}

/** Numbers that are multiplied in place: two milliseconds of them. */
const INLINE_NUMBERS = 262_144
/** A worker that has nothing to do for so long ends. */
const IDLE_MS = 60_000

/** Compares vectors, many of them beside the event loop: in a worker that is started when first needed. */
export const createComparer = (clock: Pick<Clock, 'after'>) => {
  const port = createWorkerPort<CompareOrder, Float32Array>(new URL('./memory-comparer.worker.ts', import.meta.url))
  let idle: Timer | null = null

  const beside = async (query: Float32Array, vectors: readonly PackedVector[]): Promise<readonly (number | null)[]> => {
    const fitting = vectors.filter(({ bytes }) => bytes.length === query.length)
    const numbers = new Uint8Array(fitting.length * query.length)
    for (const [index, { bytes }] of fitting.entries()) numbers.set(bytes, index * query.length)
    idle?.cancel()
    const order = { query, numbers: numbers.buffer, scales: Float32Array.from(fitting, ({ scale }) => scale) }
    const cosines = await port.ask(order, [numbers.buffer])
    idle?.cancel()
    idle = clock.after(IDLE_MS, port.rest)
    let at = 0
    return vectors.map(({ bytes }) => (bytes.length === query.length ? (cosines[at++] as number) : null))
  }

  return {
    /** The cosine of each, in their order; null for those of another size. */
    compare: async (query: Float32Array, vectors: readonly PackedVector[]): Promise<readonly (number | null)[]> =>
      vectors.length * query.length <= INLINE_NUMBERS
        ? vectors.map((vector) => cosine(query, vector))
        : beside(query, vectors),
    stop: async (): Promise<void> => {
      idle?.cancel()
      await port.stop()
    },
  }
}
export type Comparer = ReturnType<typeof createComparer>
