import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import type { Outcome, Usage } from '../../domain/usage.ts'
import { readUsage } from '../../domain/usage-report.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { FaultPoints } from '../../kernel/fault-points.ts'
import type { Log } from '../../kernel/log.ts'
import { doneEvent, encodeEvent, readEvent } from '../../kernel/sse.ts'
import type { createDeadlines, DeadlinePhase, Watch } from './deadline.ts'
import { createFrames, type Verdict } from './frames.ts'
import { type Glance, hasChoices, hasError, hasPart, hasUsage, type TextSink } from './glance.ts'
import { countCharacters, leastTokens } from './least-tokens.ts'
import { errorMessage, presentable } from './provider-words.ts'
import type { RelayInput, StreamReceipt } from './relay.ports.ts'
import { createTranscript } from './transcript.ts'
import { type Chunk, parseChunk, usageChunk } from './usage-chunk.ts'

/** After the terminal the provider has this long, and this many bytes, to end by itself, so that its connection can be used again. */
const lingerMs = 1_000
const lingerBytes = 65_536

/** Faults of a source that say more than that the answer was cut off. */
export const tellingFaults: ReadonlySet<ErrorCode> = new Set([
  'upstream_error',
  'upstream_malformed',
  'upstream_overloaded',
  'upstream_rate_limited',
  'upstream_response_too_large',
  'upstream_timeout',
])

const space = 32

/** What all streams share. */
export interface House {
  readonly clock: Clock
  readonly deadlines: ReturnType<typeof createDeadlines>
  readonly glance: Glance
  readonly faultPoints: FaultPoints
  readonly log: Log
  readonly redact: (words: string, provider: string) => string
  readonly idleMs: number
  readonly totalMs: number
  readonly maxBytes: number
}

/** The last event of a stream, or what took its place. */
type Terminal =
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly fault: AppError; readonly outcome: Outcome }

/** Relays one stream. See `RelayInput` for the order of mark, settle and the bytes. */
export const relayStream = (input: RelayInput, house: House): StreamSource => {
  const { answer, request } = input
  const { clock, glance, faultPoints } = house
  const { source, target } = answer
  const transcript = createTranscript()
  let listener: StreamListener | null = null
  let watch: Watch | null = null
  let ended = false
  let upstreamEnded = false
  let lingered = 0
  let parts = 0
  let marked = 0
  let characters = 0
  let firstByteMs: number | null = null
  let usage: Usage | null = null
  /** The chunk with the usage that counts, kept until the cost is known; only when the caller asked for usage. */
  let lastUsageChunk: Chunk | null = null
  let terminal: Terminal | null = null

  /** Keeps the text of the event that is looked at, and counts it. */
  const text: TextSink = {
    append: (bytes, start, end) => {
      transcript.append(bytes, start, end)
      characters += countCharacters(bytes, start, end)
    },
  }

  const rewind = (length: number, count: number): void => {
    transcript.length = length
    characters = count
  }

  const hand = (bytes: Buffer): void => {
    firstByteMs ??= clock.monotonic() - input.startedAt
    listener?.data(bytes)
  }

  /** Ends the stream once: upstream let go or cut, outcome settled, then the terminal. */
  const finish = (outcome: Outcome, fault: AppError | null, code: ErrorCode | null = fault?.code ?? null): void => {
    if (ended) return
    ended = true
    if (upstreamEnded) watch?.end()
    else if (outcome === 'complete') linger()
    else cutUpstream()
    const deliver = (receipt: StreamReceipt) => {
      faultPoints.pass('relay.settled')
      if (fault) {
        listener?.fail(fault)
        return
      }
      if (lastUsageChunk && listener) {
        const member = {
          cost_usd: receipt.costUsd,
          model: target.model,
          provider: target.provider,
          attempts: answer.attempts.length,
          estimated: receipt.estimated,
          request_id: input.requestId,
        }
        hand(encodeEvent(usageChunk(lastUsageChunk, member)))
      }
      hand(doneEvent)
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
      const end = { outcome, usage, outputParts: marked, text: transcript.text, fault: code, firstByteMs }
      const receipt = input.settle(end)
      if (receipt instanceof Promise) receipt.then(deliver).catch(fail)
      else deliver(receipt)
    } catch (cause) {
      fail(cause)
    }
  }

  const cutUpstream = (): void => {
    watch?.end()
    upstreamEnded = true
    source.abort()
  }

  const linger = (): void => {
    watch?.expire(lingerMs, cutUpstream)
    source.resume()
  }

  const takeUsage = (chunk: Chunk, choices: boolean): Verdict => {
    const read = readUsage(chunk['usage'])
    if (!read) return 'forward'
    usage = read
    if (request.includeUsage) lastUsageChunk = chunk
    return choices ? 'forward' : 'drop'
  }

  const takeError = (chunk: Chunk | null): Verdict => {
    const message = errorMessage(chunk?.['error'] ?? chunk)
    const words = message === null ? null : presentable(house.redact(message, target.provider))
    const fault = new AppError('upstream_error', words ? { detail: `The provider says: ${words}` } : {})
    terminal = { kind: 'fault', fault, outcome: 'upstream_cut' }
    return 'stop'
  }

  /** Judges the JSON of one event. */
  const takeData = (bytes: Buffer, start: number, end: number): Verdict => {
    watch?.touch()
    if (end - start < 12 && bytes.toString('latin1', start, end).trim() === '[DONE]') {
      terminal = { kind: 'done' }
      return 'stop'
    }
    const kept = transcript.length
    const counted = characters
    const found = glance(bytes, start, end, text)
    if (!(found & hasPart)) rewind(kept, counted)
    const chunk = found & (hasError | hasUsage) ? parseChunk(bytes.toString('utf8', start, end)) : null
    if (chunk?.['error']) {
      rewind(kept, counted)
      return takeError(chunk)
    }
    if (found & hasPart) parts += 1
    return chunk ? takeUsage(chunk, (found & hasChoices) !== 0) : 'forward'
  }

  const takeEvent = (bytes: Buffer, start: number, end: number, lines: number): Verdict => {
    if (ended) return 'stop'
    if (lines === 1 && startsWithData(bytes, start)) {
      const from = start + (bytes[start + 5] === space ? 6 : 5)
      let to = end
      while (to > from && (bytes[to - 1] as number) <= 13) to -= 1
      return takeData(bytes, from, to)
    }
    const event = readEvent(bytes.subarray(start, end))
    if (event.data === null) return 'forward'
    if (event.name === 'error') return takeError(parseChunk(event.data))
    const data = Buffer.from(event.data)
    return takeData(data, 0, data.length)
  }

  const frames = createFrames({
    event: takeEvent,
    forward: (events) => {
      if (ended) return
      if (parts > marked) {
        marked = parts
        input.mark(leastTokens(parts, characters))
      }
      faultPoints.pass('relay.part')
      hand(events)
    },
  })

  const cut = (cause?: unknown): void => {
    const telling = cause instanceof AppError && tellingFaults.has(cause.code) ? cause : null
    const fault = telling ?? new AppError('upstream_truncated', { cause })
    finish(fault.code === 'upstream_timeout' ? 'timeout' : 'upstream_cut', fault)
  }

  const upstream: StreamListener = {
    data: (chunk) => {
      if (ended) {
        lingered += chunk.length
        if (lingered > lingerBytes && !upstreamEnded) cutUpstream()
        return
      }
      try {
        frames.push(chunk)
      } catch (cause) {
        finish('upstream_cut', cause instanceof AppError ? cause : new AppError('internal_error', { cause }))
        return
      }
      if (terminal?.kind === 'done') finish('complete', null)
      else if (terminal) finish(terminal.outcome, terminal.fault)
    },
    end: () => {
      upstreamEnded = true
      watch?.end()
      if (ended) return
      // Some servers close right after the marker, without the blank line; it has said all there is to say.
      if (/^\s*data: ?\[DONE\]\s*$/.test(frames.held().toString('latin1', 0, 40))) finish('complete', null)
      else cut()
    },
    fail: (fault) => {
      upstreamEnded = true
      watch?.end()
      cut(fault)
    },
  }

  const passed = (phase: DeadlinePhase): void =>
    finish('timeout', new AppError('upstream_timeout', { params: { phase } }))

  return {
    start: (reader) => {
      if (ended) return
      listener = reader
      watch = house.deadlines.watch({
        idleMs: input.idleMs ?? house.idleMs,
        totalMs: input.totalMs ?? house.totalMs,
        startedAt: input.startedAt,
        passed,
      })
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

/** Whether the line at `start` is a data field: d, a, t, a, colon. */
const startsWithData = (bytes: Buffer, start: number): boolean =>
  bytes[start] === 100 &&
  bytes[start + 1] === 97 &&
  bytes[start + 2] === 116 &&
  bytes[start + 3] === 97 &&
  bytes[start + 4] === 58
