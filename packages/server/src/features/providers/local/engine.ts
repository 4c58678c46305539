import type { Operation } from '../../../domain/inference.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { ProgramFailed } from '../../../kernel/programs.ts'
import { ProviderFault, type ProviderAnswer, type ProviderCall, abortReason } from '../provider.ts'

/** How long one call may take, and how much it may yield. */
export interface EngineBounds {
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** What was looked for on this machine: its model’s name, and what to install for it. */
export interface EngineKind {
  readonly model: string
  readonly operation: Operation
  /** What brings it. */
  readonly source: string
  /** Looks for it in this search path; null where it is absent or does not run. */
  readonly find: (path: string) => Promise<Engine | null>
}

/** An engine that is there. */
export interface Engine {
  /** As it tells; null where it does not. */
  readonly version: string | null
  readonly call: (call: ProviderCall, bounds: EngineBounds) => Promise<ProviderAnswer>
  /** Lets go what can be had again. */
  readonly relieve?: () => void
  readonly close?: () => Promise<void>
}

/** Longest wait for a program to say its version. */
export const VERSION_MS = 3_000
export const VERSION_BYTES = 65_536

/** What a run that was ended means to the caller. */
export const asFault = (thrown: unknown, signal: CancelSignal): unknown => {
  if (!(thrown instanceof ProgramFailed)) return thrown
  if (thrown.reason === 'aborted') return abortReason(signal)
  const code = {
    timeout: 'upstream_timeout',
    output: 'upstream_response_too_large',
    start: 'upstream_unreachable',
  } as const
  return new ProviderFault(code[thrown.reason], { upstreamStatus: 0, retry: 'elsewhere', cause: thrown })
}

/** An engine that ended with a complaint, or without its work. Its words stay here: they may hold the caller’s. */
export const engineBroke = (detail: string): ProviderFault =>
  new ProviderFault('upstream_error', { upstreamStatus: 0, retry: 'elsewhere', detail })
