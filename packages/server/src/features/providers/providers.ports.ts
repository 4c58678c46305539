import type { Caller } from '../../domain/caller.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Transaction } from '../../kernel/db.ts'

/** What the circuit of a target says to one more try. */
export interface CircuitVerdict {
  readonly allowed: boolean
  /** When not allowed: milliseconds until a try may be. */
  readonly retryAfterMs: number
}

/** Health of targets (`provider/model`), kept elsewhere. */
export interface CircuitPort {
  allow(target: string): CircuitVerdict
  /**
   * How a try went. `retryAfterMs` is a wait that the provider asked for and that is too long to be sat out: nothing more
   * goes to that provider until then.
   */
  report(target: string, outcome: 'ok' | 'fault', retryAfterMs?: number): void
}

/** The places at one provider, kept elsewhere. A place that was taken is given back by exactly one `leave`. */
export interface GatePort {
  /** Takes a place; false where there is none to be had at once. */
  enter(): boolean
  /** Waits for a place and takes it. @throws AppError: `upstream_busy`, `server_draining`, or the reason of the signal. */
  wait(caller: Caller, startedAt: number, signal: CancelSignal): Promise<void>
  /** An answer began after `latencyMs`; `kind` names what that may be compared with. */
  answered(kind: string, stream: boolean, latencyMs: number): void
  /** The provider was short of capacity. */
  failed(): void
  /** `heldMs`: how long the call was under way; null when nothing was sent. */
  leave(heldMs: number | null): void
}

/** Writes an entry of the audit in the transaction of what it records. */
export interface AuditPort {
  readonly record: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      readonly before?: object
      readonly after?: object
      readonly requestId?: string
    },
  ) => Promise<void>
}

/** Who changes something, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}
