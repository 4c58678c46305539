import type { Exchange } from '../../domain/exchange.ts'
import type { Attempt } from '../../domain/hold.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { Walk } from '../../domain/walk.ts'
import { notCarriedOver, printablePlace } from '../../domain/warning.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError, type AppErrorOptions } from '../../kernel/errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import { type RetryBudget, backoffMs } from '../../kernel/retry.ts'
import { CallNotSent, type Provider, type ProviderAnswer, ProviderFault, abortReason } from './provider.ts'
import type { PreparedRequest } from './images/fetched-images.ts'
import type { CircuitPort, GatePort } from './providers.ports.ts'

const MAX_ATTEMPTS = 3
/** A wait up to this long may be sat out while the caller waits. */
const INLINE_WAIT_MS = 5_000
/** Longest wait that a provider can impose on us. */
const MAX_WAIT_MS = 600_000
/** Bounds of the Retry-After that the caller sees; SDKs mishandle more than a minute. */
const MIN_RETRY_AFTER_MS = 1_000
const MAX_RETRY_AFTER_MS = 60_000

/** A call that yielded nothing, with every try that was made for it. */
export class UpstreamFailure extends AppError {
  readonly attempts: readonly Attempt[]

  constructor(fault: { code: AppError['code']; options: AppErrorOptions }, attempts: readonly Attempt[]) {
    super(fault.code, fault.options)
    this.attempts = attempts
  }
}

/** Faults that say something about the health of a target, rather than about this request or our account. */
const unhealthy = new Set<AppError['code']>([
  'upstream_error',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_overloaded',
  'upstream_rate_limited',
  'upstream_truncated',
  'upstream_malformed',
])

/** Faults of the request: the provider that found them is well. */
const requestFaults = new Set<AppError['code']>([
  'upstream_invalid_request',
  'context_length_exceeded',
  'upstream_content_refused',
  'model_not_found',
])

/** Faults by which a provider says that it has too much to do. */
const overburdened = new Set<AppError['code']>(['upstream_rate_limited', 'upstream_overloaded', 'upstream_timeout'])

interface Options {
  readonly provider: (name: string) => Provider | undefined
  readonly circuit: CircuitPort
  readonly gate: (provider: string) => GatePort
  readonly budget: RetryBudget
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  readonly random: () => number
  /** Puts pictures into a request that names them by addresses, where the provider cannot or shall not fetch them. @throws AppError. */
  readonly prepare: (provider: Provider, request: InferenceRequest, signal: CancelSignal) => Promise<PreparedRequest>
  /** What a provider is told of our trace at its `index`th try. */
  readonly traceHeaders: (walk: Walk, provider: string, index: number) => readonly string[]
}

const bounded = (milliseconds: number): AppErrorOptions => ({
  retryAfterMs: Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, milliseconds)),
  ...(milliseconds > MAX_RETRY_AFTER_MS ? { shouldRetry: false } : {}),
})

const failureOf = (fault: AppError, attempts: readonly Attempt[]): UpstreamFailure => {
  const waits = fault.code === 'upstream_rate_limited' || fault.code === 'upstream_overloaded'
  const asked = fault instanceof ProviderFault ? fault.upstreamRetryAfterMs : undefined
  return new UpstreamFailure(
    { code: fault.code, options: { ...fault.options, ...(waits ? bounded(asked ?? 0) : {}), cause: fault } },
    attempts,
  )
}

/**
 * Makes the tries of a request: at most three over all its targets, each target before it is asked again, and only while
 * nothing has been handed on.
 */
export const createAttempts = (options: Options) => {
  const { circuit, budget, clock, faultPoints, random } = options

  const sleep = (milliseconds: number, signal: CancelSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', leave)
        reject(abortReason(signal))
      }
      const timer = clock.after(milliseconds, () => {
        signal.removeEventListener('abort', leave)
        resolve()
      })
      signal.addEventListener('abort', leave)
      if (signal.aborted) leave()
    })

  /** Waits for a place and notes for how long; gives the reason where there is none. */
  const queue = async (
    gate: GatePort,
    { caller, startedAt, walk }: Pick<Exchange, 'caller' | 'startedAt' | 'walk'>,
    signal: CancelSignal,
    isFirst: boolean,
  ): Promise<AppError | null> => {
    const from = clock.monotonic()
    try {
      await gate.wait(caller, startedAt, signal)
      return null
    } catch (reason) {
      if (reason instanceof AppError) return reason
      throw reason
    } finally {
      const now = clock.monotonic()
      walk.queuedMs += now - from
      if (isFirst) walk.queuedAt = now
    }
  }

  /** @throws UpstreamFailure when every try failed. */
  return async (
    targets: readonly Target[],
    request: InferenceRequest,
    exchange: Pick<Exchange, 'id' | 'walk' | 'caller' | 'startedAt'>,
    signal: CancelSignal,
  ): Promise<UpstreamAnswer> => {
    const { id: requestId, walk } = exchange
    const attempts: Attempt[] = []
    let open = targets
    let last: AppError | null = null
    let shortestWait = Number.POSITIVE_INFINITY
    budget.request()
    for (let turn = 0; attempts.length < MAX_ATTEMPTS && open.length > 0; turn++) {
      const target = open[turn % open.length] as Target
      const isRepeat = attempts.some((attempt) => attempt.target === target.name)
      if (isRepeat) {
        if (!budget.take()) break
        const isSame = attempts.at(-1)?.target === target.name
        const asked = isSame && last instanceof ProviderFault ? (last.upstreamRetryAfterMs ?? 0) : 0
        await sleep(Math.max(asked, backoffMs(attempts.length, random())), signal).catch((reason: AppError) => {
          throw failureOf(reason, attempts)
        })
      }
      // Asked after the wait: the circuit may have opened meanwhile.
      let provider = options.provider(target.provider)
      let verdict = circuit.allow(target.name)
      const gate = options.gate(target.provider)
      if (verdict.allowed && provider !== undefined) {
        if (!isRepeat && attempts.length > 0 && !budget.take()) break
        if (!gate.enter()) {
          const refusal = await queue(gate, exchange, signal, attempts.length === 0)
          if (refusal !== null) {
            if (refusal.code !== 'upstream_busy') throw failureOf(refusal, attempts)
            last ??= refusal
            open = open.filter((other) => other !== target)
            turn--
            continue
          }
          provider = options.provider(target.provider)
          verdict = circuit.allow(target.name)
          if (!verdict.allowed || provider === undefined) gate.leave(null)
        }
      }
      if (!verdict.allowed || provider === undefined) {
        // An Ollama that was found may be gone again.
        if (provider === undefined)
          last ??= new ProviderFault('upstream_unreachable', { upstreamStatus: 0, retry: 'never' })
        shortestWait = Math.min(shortestWait, verdict.retryAfterMs)
        open = open.filter((other) => other !== target)
        // What follows has moved up into this place.
        turn--
        continue
      }
      faultPoints.pass('providers.attempt')
      let prepared: PreparedRequest | null = null
      if (request.imageUrls !== undefined)
        prepared = await options.prepare(provider, request, signal).catch((fault: unknown) => {
          gate.leave(null)
          throw fault instanceof AppError ? failureOf(fault, attempts) : fault
        })
      const startedAt = clock.monotonic()
      const record = (status: number, fault: string | null): void => {
        const endedAt = clock.monotonic()
        attempts.push({ target: target.name, status, durationMs: Math.round(endedAt - startedAt), fault })
        walk.tried({ target: target.name, startedAt, endedAt, status, fault })
      }
      let isHeld = true
      const release = (): void => {
        if (isHeld) gate.leave(clock.monotonic() - startedAt)
        isHeld = false
      }
      try {
        const lost = lostAt(provider, request)
        const answered = await provider.call({
          model: target.model,
          request: prepared?.request ?? request,
          requestId,
          trace: options.traceHeaders(walk, target.provider, attempts.length),
          signal,
        })
        prepared?.release()
        const answer = lost === null ? answered : withWarning(answered, lost)
        record(answer.status, null)
        circuit.report(target.name, 'ok')
        gate.answered(target.name, answer.kind !== 'json', clock.monotonic() - startedAt)
        if (answer.kind === 'json') release()
        return answer.kind === 'json'
          ? {
              kind: 'json',
              target,
              attempts,
              status: answer.status,
              body: answer.body,
              usage: answer.usage,
              media: answer.media,
              contentType: answer.contentType,
              isMessage: answer.isMessage,
              warning: answer.warning,
            }
          : answer.kind === 'events'
            ? { kind: 'events', target, attempts, source: answer.source, release, warning: answer.warning }
            : { ...answer, target, attempts, release }
      } catch (thrown) {
        prepared?.release()
        if (thrown instanceof ProviderFault && overburdened.has(thrown.code)) gate.failed()
        release()
        if (!(thrown instanceof AppError)) throw thrown
        last = thrown
        if (thrown instanceof CallNotSent) break
        const status = thrown instanceof ProviderFault ? thrown.upstreamStatus : 0
        record(status, thrown.code)
        if (!(thrown instanceof ProviderFault)) break
        const asked = Math.min(MAX_WAIT_MS, thrown.upstreamRetryAfterMs ?? 0)
        const isLong = asked > INLINE_WAIT_MS
        if (unhealthy.has(thrown.code)) circuit.report(target.name, 'fault', isLong ? asked : undefined)
        else if (requestFaults.has(thrown.code)) circuit.report(target.name, 'ok')
        if (thrown.retry === 'never') break
        if (thrown.retry === 'elsewhere' || isLong) {
          open = open.filter((other) => other !== target)
          turn--
        }
      }
    }
    throw failureOf(last ?? closed(shortestWait), attempts)
  }
}

/**
 * What of a request in another protocol than OpenAI's a provider that speaks OpenAI's alone is not told; null where nothing is lost.
 * @throws ProviderFault where the caller would rather be refused.
 */
const lostAt = (provider: Provider, { translation }: InferenceRequest): string | null => {
  if (translation === undefined || translation.lost.length === 0) return null
  if (translation.messages !== undefined && provider.speaksMessages === true) return null
  const { lost, strict } = translation
  if (strict)
    throw new ProviderFault('unsupported_parameter', {
      upstreamStatus: 0,
      retry: 'elsewhere',
      detail: `This model’s provider cannot be given ${lost.map(printablePlace).join(', ')}.`,
    })
  return notCarriedOver(lost)
}

const withWarning = (answer: ProviderAnswer, warning: string): ProviderAnswer => ({
  ...answer,
  warning: answer.warning === undefined ? warning : `${answer.warning}, ${warning}`,
})

/** No try was made: every circuit is open. */
const closed = (waitMs: number): AppError =>
  new ProviderFault('upstream_overloaded', {
    upstreamStatus: 0,
    retry: 'never',
    upstreamRetryAfterMs: Number.isFinite(waitMs) ? waitMs : undefined,
  })
