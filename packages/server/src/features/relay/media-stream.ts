import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { MediaRequest } from '../../domain/media.ts'
import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import type { Outcome } from '../../domain/usage.ts'
import { AppError } from '../../kernel/errors.ts'
import type { DeadlinePhase, Watch } from './deadline.ts'
import { createBinaryFlow } from './media-bytes.ts'
import { createEventFlow } from './media-events.ts'
import type { MediaFlow } from './media-flow.ts'
import type { RelayInput } from './relay.ports.ts'
import { type House, tellingFaults } from './stream.ts'

/**
 * Relays pictures, speech or a transcript as they come: events up to the protocol's own last one, or bytes up to their end. The
 * last event waits for the settlement, as the end of the bytes does; whatever broke off ends in an error, never in a clean end.
 */
export const relayMedia = (input: RelayInput, asked: MediaRequest, house: House): StreamSource => {
  const { answer } = input
  const { clock, faultPoints } = house
  const { source } = answer
  let listener: StreamListener | null = null
  let watch: Watch | null = null
  let ended = false
  let upstreamEnded = false
  let firstByteMs: number | null = null

  const hand = (bytes: Buffer): void => {
    firstByteMs ??= clock.monotonic() - input.startedAt
    watch?.touch()
    listener?.data(bytes)
  }
  const flow: MediaFlow =
    answer.kind === 'binary'
      ? createBinaryFlow(hand, asked, house.maxBytes)
      : createEventFlow(hand, asked, (words) => house.redact(words, answer.target.provider))

  const finish = (outcome: Outcome, fault: AppError | null, code: ErrorCode | null = fault?.code ?? null): void => {
    if (ended) return
    ended = true
    watch?.end()
    if (!upstreamEnded) source.abort()
    const deliver = () => {
      faultPoints.pass('relay.settled')
      if (fault) {
        listener?.fail(fault)
        return
      }
      const last = flow.last()
      if (last !== null) hand(last)
      listener?.end()
    }
    const fail = (cause: unknown) => {
      const error = cause instanceof Error ? cause : new Error('a settlement failed', { cause })
      const fields = { component: 'relay' as const, request_id: input.requestId, outcome, error }
      house.log.error(fields, 'A stream could not be settled; its journal entry stays open.')
      listener?.fail(cause instanceof AppError ? cause : new AppError('internal_error', { cause }))
    }
    try {
      faultPoints.pass('relay.settle')
      const media = flow.told()
      const end = { outcome, usage: null, outputParts: 0, text: () => '', fault: code, firstByteMs, media }
      const receipt = input.settle(end)
      if (receipt instanceof Promise) receipt.then(deliver).catch(fail)
      else deliver()
    } catch (cause) {
      fail(cause)
    }
  }

  const cut = (cause?: unknown): void => {
    const telling = cause instanceof AppError && tellingFaults.has(cause.code) ? cause : null
    const fault = telling ?? new AppError('upstream_truncated', { cause })
    finish(fault.code === 'upstream_timeout' ? 'timeout' : 'upstream_cut', fault)
  }

  const upstream: StreamListener = {
    data: (bytes) => {
      if (ended) return
      try {
        flow.push(bytes)
      } catch (cause) {
        finish('upstream_cut', cause instanceof AppError ? cause : new AppError('internal_error', { cause }))
        return
      }
      if (flow.isDone()) finish('complete', null)
    },
    end: () => {
      upstreamEnded = true
      if (ended) return
      const fault = flow.faultAtEnd()
      if (fault === null) finish('complete', null)
      else cut(fault)
    },
    fail: (fault) => {
      upstreamEnded = true
      cut(fault)
    },
  }

  const passed = (phase: DeadlinePhase): void =>
    finish('timeout', new AppError('upstream_timeout', { params: { phase } }))
  const totalMs = input.totalMs ?? house.totalMs

  return {
    start: (reader) => {
      if (ended) return
      listener = reader
      // A picture is made in silence.
      const idleMs = asked.images > 0 ? totalMs : (input.idleMs ?? house.idleMs)
      watch = house.deadlines.watch({ idleMs, totalMs, startedAt: input.startedAt, passed })
      source.start(upstream)
    },
    pause: () => {
      if (ended) return
      watch?.pause()
      source.pause()
    },
    resume: () => {
      if (ended) return
      watch?.resume()
      source.resume()
    },
    abort: () => {
      listener = null
      finish('client_gone', null, 'client_closed_request')
    },
    // Like a caller who leaves: the provider did what it was asked for.
    refuse: (fault) => {
      if (ended) return false
      finish('client_gone', fault instanceof AppError ? fault : new AppError('internal_error', { cause: fault }))
      return true
    },
  }
}
