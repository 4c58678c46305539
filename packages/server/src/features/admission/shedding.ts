import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import type { PressureReading } from '../../kernel/pressure.ts'

/** What is refused first when there is too much: callers of priority 1, then 2, then 3; those of 4 last. */
export type Priority = 1 | 2 | 3 | 4

export interface SheddingOptions {
  readonly pressure: () => PressureReading
  /** Priority by tier; a tier that is not named has 2. */
  readonly priorities: Readonly<Record<string, Priority>>
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
  /** Bytes of bodies held now. */
  heldBytes(): number
}

/** Each further priority is refused a third of the bearable later. */
const STEP = 1 / 3
const RETRY_MS = 2_000
const DEFAULT_PRIORITY: Priority = 2
/** Small bodies are not worth counting. */
const COUNTED_BYTES = 65_536
const nothing = (): void => {}

/** The callers of a publishable key are strangers: of them the least is lost. */
export const createShedding = (options: SheddingOptions): Shedding => {
  let held = 0

  const refuse = (reason: string): never => {
    options.onShed(reason)
    throw new AppError('overloaded', { retryAfterMs: RETRY_MS })
  }

  return {
    mayEnter: (caller) => {
      const { severity, cause } = options.pressure()
      if (severity < 1) return
      const priority =
        caller.kind === 'publishable' && caller.person === null
          ? 1
          : (options.priorities[caller.tier] ?? DEFAULT_PRIORITY)
      if (severity >= 1 + (priority - 1) * STEP) refuse(cause)
    },
    holdBody: (bytes) => {
      if (bytes <= COUNTED_BYTES) return nothing
      if (held + bytes > options.maxBodyBytes) refuse('bodies')
      held += bytes
      let open = true
      return () => {
        if (open) held -= bytes
        open = false
      }
    },
    heldBytes: () => held,
  }
}
