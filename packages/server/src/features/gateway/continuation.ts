import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { type InferenceRequest, replaceSpan } from '../../domain/inference.ts'
import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { Walk } from '../../domain/walk.ts'
import { Cancellation, type CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { encodeEvent } from '../../kernel/sse.ts'
import type { CallAnswer } from './flow.ts'

/** Faults after which another model may go on; what the provider refuses, it would refuse again. */
const cuts: ReadonlySet<ErrorCode> = new Set([
  'upstream_truncated',
  'upstream_timeout',
  'upstream_error',
  'upstream_overloaded',
  'upstream_malformed',
])

/** What is looked at again where two answers meet: the longest thing that is looked for has 256 characters, and patterns repeat. */
const SEAM_CHARACTERS = 16_384

/** A stream that goes on with the text of another, and the event that says so. */
export interface Continuation {
  readonly source: StreamSource
  readonly mark: object
}

interface Delta {
  readonly choices?: readonly {
    readonly delta?: Readonly<Record<string, unknown>>
    readonly finish_reason?: string | null
  }[]
}

/** The text of a stream so far; null once it holds what no prefix can carry: tools, reasoning, an end. */
const createPrefix = () => {
  const reader = createEventReader(() => new AppError('upstream_malformed'))
  let text: string | null = ''
  const take = ({ choices = [] }: Delta): void => {
    for (const { delta = {}, finish_reason } of choices) {
      const { role: _role, content, refusal, ...rest } = delta
      const isPlain = Object.values({ refusal, ...rest }).every((value) => value === undefined || value === null)
      if (!isPlain || (finish_reason ?? null) !== null) text = null
      else if (typeof content === 'string' && text !== null) text += content
    }
  }
  return {
    push: (bytes: Buffer): void => {
      if (text === null) return
      try {
        for (const data of reader.push(bytes)) take(JSON.parse(data) as Delta)
      } catch {
        // The end of the stream, or nothing that can be gone on from.
        text = null
      }
    },
    text: () => text,
  }
}

/**
 * A stream that goes on elsewhere when its provider breaks off after text has come: `next` is asked once, for a stream that begins with
 * that text. Its mark stands between the two; where nothing goes on, the fault is told as it is.
 */
export const continuing = (
  first: StreamSource,
  next: (text: string, signal: CancelSignal) => Promise<Continuation>,
): StreamSource => {
  const prefix = createPrefix()
  const signal = new Cancellation()
  let current = first
  let isPaused = false

  const goOn = async (listener: StreamListener, fault: Error, text: string): Promise<void> => {
    let found: Continuation
    try {
      found = await next(text, signal)
    } catch {
      if (!signal.aborted) listener.fail(fault)
      return
    }
    current = found.source
    if (signal.aborted) {
      current.abort()
      return
    }
    listener.data(encodeEvent(found.mark))
    current.start(listener)
    if (isPaused) current.pause()
  }

  return {
    start: (listener) =>
      first.start({
        data: (chunk) => {
          prefix.push(chunk)
          listener.data(chunk)
        },
        end: () => listener.end(),
        fail: (fault) => {
          const text = prefix.text()
          const isCut = fault instanceof AppError && cuts.has(fault.code)
          if (isCut && text !== null && text.trim() !== '') void goOn(listener, fault, text)
          else listener.fail(fault)
        },
      }),
    pause: () => {
      isPaused = true
      current.pause()
    },
    resume: () => {
      isPaused = false
      current.resume()
    },
    abort: () => {
      signal.abort()
      current.abort()
    },
  }
}

interface Ports {
  readonly call: (
    exchange: Exchange,
    request: InferenceRequest,
    signal: CancelSignal,
    without: string,
  ) => Promise<CallAnswer>
  readonly read: (body: Buffer) => InferenceRequest | Promise<InferenceRequest>
  readonly monotonic: () => number
  readonly now: () => number
}

/** The request with what has come as the beginning of the answer. Some models take none that ends in white space. */
const withPrefix = ({ body, members }: InferenceRequest, text: string): Buffer => {
  const messages = members.get('messages') as { readonly start: number; readonly end: number }
  const content = JSON.stringify(text.trimEnd().toWellFormed())
  return replaceSpan(body, messages.end - 1, messages.end - 1, `,{"role":"assistant","content":${content}}`)
}

/**
 * How a call goes on at another of its targets than the one that broke off: as a call of its own, admitted, reserved and settled by
 * itself, so that each row of the ledger tells of one provider.
 */
export const createContinuation =
  ({ call, read, monotonic, now }: Ports) =>
  (exchange: Exchange, request: InferenceRequest) =>
  async (text: string, signal: CancelSignal): Promise<Continuation> => {
    const at = now()
    const walk = new Walk(monotonic(), at)
    Object.assign(walk, { operation: 'chat', model: request.model, stream: true })
    const headers: Record<string, string> = {}
    const continues = text.slice(-SEAM_CHARACTERS)
    const own = { ...exchange, id: prefixedId('req', at), startedAt: walk.startedAt, headers, walk, continues }
    const longer = await read(withPrefix(request, text))
    const failed = exchange.walk.tries.at(-1)?.target ?? ''
    const made = (await call(own, longer, signal, failed)) as CallAnswer & { kind: 'events' }
    const model = headers[header.model] ?? ''
    return {
      source: made.source,
      mark: {
        id: own.id,
        object: 'chat.completion.chunk',
        created: Math.floor(at / 1000),
        model,
        choices: [],
        continuation: { model, provider: headers[header.provider] ?? '', request_id: own.id },
      },
    }
  }
