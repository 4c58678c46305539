import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { PressureReading } from '../../kernel/pressure.ts'
import type { BodyRoom, Release } from './body-room.ts'

/** Whose body it is, and whether they still want it taken. */
export interface BodyHolder {
  readonly holder: string
  readonly signal: CancelSignal
}

/** What is refused first when there is too much: callers of priority 1, then 2, then 3; those of 4 last. */
export type Priority = 1 | 2 | 3 | 4

export interface SheddingOptions {
  readonly pressure: () => PressureReading
  readonly priorityOf: (caller: Caller) => Priority
  readonly bodies: Pick<BodyRoom, 'take'>
  /** Most bytes of bodies that may be held at once. */
  readonly maxBodyBytes: number
  /** Longest wait for room among them. */
  readonly maxBodyWaitMs: number
  readonly onShed: (reason: string) => void
}

/** Refuses work before it costs anything. */
export interface Shedding {
  /** @throws AppError `overloaded` when this caller's kind of work is refused now. */
  mayEnter(caller: Caller): void
  /**
   * Takes room for a body, in turn where there is none; gives what to call when the body is no longer held.
   * @throws AppError `overloaded`, or the reason of the signal.
   */
  holdBody(bytes: number, holder: BodyHolder): Release | Promise<Release>
}

/** Each further priority is refused a third of the bearable later. */
const STEP = 1 / 3
const RETRY_MS = 2_000
/** Small bodies are not worth counting. */
const COUNTED_BYTES = 65_536
/** While memory is short, larger ones are refused of everybody: their like would take what is left at once. */
const LARGE_BYTES = 1_048_576
const nothing = (): void => {}

/** Sheds by pressure and by what is held. */
export const createShedding = (options: SheddingOptions): Shedding => {
  const { bodies } = options

  const refuse = (reason: string): never => {
    options.onShed(reason)
    throw new AppError('overloaded', { retryAfterMs: RETRY_MS })
  }

  return {
    mayEnter: (caller) => {
      const { severity, cause } = options.pressure()
      if (severity < 1) return
      if (severity >= 1 + (options.priorityOf(caller) - 1) * STEP) refuse(cause)
    },
    holdBody: (bytes, { holder, signal }) => {
      if (bytes <= COUNTED_BYTES) return nothing
      const isShort = bytes > LARGE_BYTES && options.pressure().memorySeverity >= 1
      if (isShort) return refuse('bodies')
      const { maxBodyBytes: most, maxBodyWaitMs: maxWaitMs } = options
      const room = bodies.take({ bytes, most, maxWaitMs, holder, signal })
      if (room instanceof Promise) return room.then((release) => release ?? refuse('bodies'))
      return room ?? refuse('bodies')
    },
  }
}
