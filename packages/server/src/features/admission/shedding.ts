import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import type { PressureReading } from '../../kernel/pressure.ts'

/** What is refused first when there is too much: callers of priority 1, then 2, then 3; those of 4 last. */
export type Priority = 1 | 2 | 3 | 4

/** Bytes of larger bodies that the process holds now. */
export interface HeldBodies {
  bytes: number
}

export interface SheddingOptions {
  readonly pressure: () => PressureReading
  readonly priorityOf: (caller: Caller) => Priority
  /** What is held by all who hold bodies: a reload leaves calls of the former configuration in hand. */
  readonly bodies: HeldBodies
  /** Most bytes of bodies that may be held at once. */
  readonly maxBodyBytes: number
  readonly onShed: (reason: string) => void
}

/** Refuses work before it costs anything. */
export interface Shedding {
  /** @throws AppError `overloaded` when this caller's kind of work is refused now. */
  mayEnter(caller: Caller): void
  /**
   * Takes room for a body; gives what to call when the body is no longer held. @throws AppError `overloaded`.
   */
  holdBody(bytes: number): () => void
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
    holdBody: (bytes) => {
      if (bytes <= COUNTED_BYTES) return nothing
      const isShort = bytes > LARGE_BYTES && options.pressure().memorySeverity >= 1
      if (isShort || bodies.bytes + bytes > options.maxBodyBytes) refuse('bodies')
      bodies.bytes += bytes
      let open = true
      return () => {
        if (open) bodies.bytes -= bytes
        open = false
      }
    },
  }
}
