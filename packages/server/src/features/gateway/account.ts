import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Attempt, Settlement } from '../../domain/hold.ts'
import { formatUsd } from '../../domain/money.ts'
import type { JsonAnswer, UpstreamAnswer } from '../../domain/upstream.ts'
import type { MediaRequest, MediaTold } from '../../domain/media.ts'
import { nothingTold } from '../../domain/media-report.ts'
import { asHeader } from '../../domain/attribution.ts'
import { noUsage, type Outcome, type Usage } from '../../domain/usage.ts'
import { addWarning } from '../../domain/warning.ts'
import { AppError } from '../../kernel/errors.ts'
import { uncountedOutput } from './answer-text.ts'
import { measureMedia } from './measure-media.ts'
import type { AccountPorts, Admitted, StreamEnd, StreamReceipt } from './gateway.ports.ts'

/** The account of one call: turns what happened into exactly one settlement. */
export interface Account {
  /** When the request began; monotonic milliseconds. */
  readonly startedAt: number
  /** Notes the provider's answer: its headers, and whom to charge. */
  answered(answer: UpstreamAnswer): void
  /** Settles a whole answer; resolves to its cost in USD, null when no price is known. */
  complete(answer: JsonAnswer): string | null | Promise<string | null>
  /** Settles a stream, before its terminal leaves. */
  readonly ended: (end: StreamEnd) => StreamReceipt | Promise<StreamReceipt>
  /** Settles a call that got no answer. */
  failed(fault: unknown): void | Promise<void>
}

const outcomeOf = (fault: unknown): Outcome => {
  if (!(fault instanceof AppError)) return 'failed'
  // A drain ends a call like a caller who leaves: the provider has taken the input on.
  if (fault.code === 'client_closed_request' || fault.code === 'server_draining') return 'client_gone'
  if (fault.code === 'upstream_timeout') return 'timeout'
  return fault.code === 'upstream_truncated' ? 'upstream_cut' : 'failed'
}

/**
 * Opens the account of an admitted call. What a caller owes who leaves before the answer: the input, counted here,
 * because the provider has taken it on; a provider that fails by itself is owed nothing.
 */
export const createAccounts =
  (ports: AccountPorts) =>
  (exchange: Exchange, { hold, request }: Admitted): Account => {
    const { startedAt, walk } = exchange
    const { intent } = hold
    walk.intent = intent
    const takeAnswer = ports.bodyLog === null ? null : ports.bodyLog(exchange, request)
    let target = intent.target
    let attempts: readonly Attempt[] = []
    let isRecalled = false

    const settle = (
      outcome: Outcome,
      usage: Usage,
      rest: { estimated: boolean; fault: string | null; firstByteMs: number | null; free?: boolean },
    ): StreamReceipt => {
      const price = ports.priceOf(target, intent.at, intent.operation)
      const worth = price === null ? null : rest.free ? 0n : ports.costOf(price, usage)
      // What was given before is not paid for again.
      const cost = isRecalled ? 0n : worth
      const settlement: Settlement = {
        outcome,
        target,
        usage: isRecalled ? noUsage : usage,
        estimated: rest.estimated,
        cost,
        priceVersion: price?.version ?? null,
        attempts,
        durationMs: ports.monotonic() - startedAt,
        firstByteMs: rest.firstByteMs,
        fault: rest.fault,
        ...(isRecalled && { saved: worth }),
      }
      hold.settle(settlement)
      walk.settledAt = ports.monotonic()
      walk.settlement = settlement
      ports.onSettled(intent, settlement, walk)
      return { costUsd: cost === null ? null : formatUsd(cost), estimated: rest.estimated }
    }

    const measured = (asked: MediaRequest, told: MediaTold, isWhole = true): { usage: Usage; estimated: boolean } => {
      const price = ports.priceOf(target, intent.at, intent.operation)
      return measureMedia(asked, told, price !== null && ports.needsTokens(price, intent.operation), isWhole)
    }

    /** The usage as counted here; `output` is a text, or its tokens. */
    const counted = async (output: string | number): Promise<Usage> => {
      const [inputTokens, outputTokens] = await Promise.all([
        ports.estimateInput(request),
        typeof output === 'number' ? output : ports.countText(output),
      ])
      return { ...noUsage, inputTokens, outputTokens }
    }

    return {
      startedAt,
      answered: (answer) => {
        walk.answeredAt = ports.monotonic()
        target = answer.target.name
        attempts = answer.attempts
        isRecalled = answer.isRecalled === true
        exchange.headers[header.model] = answer.target.model
        exchange.headers[header.provider] = answer.target.provider
        if (answer.target.terms?.attribution)
          exchange.headers[header.attribution] = asHeader(answer.target.terms.attribution)
        exchange.headers[header.attempts] = String(attempts.length)
        if (answer.warning !== undefined) addWarning(exchange.headers, answer.warning)
        const upstreamMs = attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0)
        const overheadMs = walk.answeredAt - startedAt - upstreamMs - walk.queuedMs
        exchange.headers[header.overheadMs] = Math.max(0, overheadMs).toFixed(2)
        if (walk.queuedMs > 0) exchange.headers[header.queueMs] = walk.queuedMs.toFixed(2)
      },
      complete: (answer) => {
        walk.settlingAt = walk.answeredAt
        takeAnswer?.(answer.body)
        const known = { estimated: false, fault: null, firstByteMs: null }
        if (request.media !== undefined) {
          const { usage, estimated } = measured(request.media, answer.media ?? nothingTold)
          return settle('complete', usage, { ...known, estimated }).costUsd
        }
        if (answer.usage !== null) return settle('complete', answer.usage, known).costUsd
        return counted(uncountedOutput(request.operation, answer.body)).then(
          (usage) => settle('complete', usage, { ...known, estimated: true }).costUsd,
        )
      },
      ended: (end) => {
        walk.settlingAt = ports.monotonic()
        takeAnswer?.(end.text())
        const rest = { fault: end.fault, firstByteMs: end.firstByteMs }
        if (request.media !== undefined) {
          const isWhole = end.outcome === 'complete'
          const { usage, estimated } = measured(request.media, end.media ?? nothingTold, isWhole)
          return settle(end.outcome, usage, { ...rest, estimated: estimated || !isWhole })
        }
        if (end.usage !== null) return settle(end.outcome, end.usage, { ...rest, estimated: false })
        return counted(end.text()).then((usage) => settle(end.outcome, usage, { ...rest, estimated: true }))
      },
      failed: (fault) => {
        walk.settlingAt = ports.monotonic()
        takeAnswer?.(null)
        attempts = ports.attemptsOf(fault)
        target = attempts.at(-1)?.target ?? target
        const outcome = outcomeOf(fault)
        const code = fault instanceof AppError ? fault.code : 'internal_error'
        const rest = { estimated: true, fault: code, firstByteMs: null }
        // Pictures and audio are made, and paid for, once they are asked for.
        if (request.media !== undefined && outcome === 'client_gone' && attempts.at(-1)?.fault === code)
          return void settle(outcome, measured(request.media, nothingTold, false).usage, rest)
        // The last try ended with the caller, so it was under way; a caller who leaves between tries owes nothing.
        if (outcome === 'client_gone' && attempts.at(-1)?.fault === code)
          return counted('').then((usage) => {
            settle(outcome, usage, rest)
          })
        settle(outcome, noUsage, {
          ...rest,
          estimated: outcome === 'timeout' || outcome === 'upstream_cut',
          free: true,
        })
      },
    }
  }
