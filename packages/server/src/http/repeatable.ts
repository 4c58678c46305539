import { header } from '@headgate/contract/headers.ts'
import type { KeptAnswer, NamedRequest, Run } from '../domain/kept-answer.ts'
import type { BinarySource, StreamSource } from '../domain/upstream.ts'
import type { Walk } from '../domain/walk.ts'
import { Cancellation } from '../kernel/cancellation.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Reply } from '../kernel/route.ts'
import type { Events } from './events.ts'
import { asAppError, type Presented } from './fail.ts'
import type { IdempotencyPorts } from './ports.ts'

/** How long a call goes on whose caller has left, so that a retry finds it. */
const LINGER_MS = 30_000
const EVENT_STREAM = 'text/event-stream; charset=utf-8'
/** Refusals that the same request would meet again; what turns on rights, time or load may pass the next time. */
const lasting = new Set([400, 404, 405, 413, 415, 422])

const retold = new Set(['location', header.shouldRetry])

/** One request with a name. */
export interface Repeatable {
  readonly request: NamedRequest
  /** Aborts when the caller leaves, or with a reason when calls are ended. */
  readonly signal: Cancellation
  /** Those of the answer; what tells of the call is kept. */
  readonly headers: Record<string, string>
  readonly walk: Walk | null
  readonly handle: (signal: Cancellation) => Promise<Reply> | Reply
  /** The answer that an error becomes. */
  readonly present: (error: AppError) => Presented
}

/** What of an answer's headers is told again: of the call, not of the limits as they were then. */
const kept = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-headgate-') || retold.has(name)))

const answerOf = (
  reply: Exclude<Reply, { kind: 'events' | 'file' | 'binary' }>,
  headers: Record<string, string>,
): KeptAnswer => ({
  status: reply.status ?? 200,
  contentType: reply.kind === 'json' ? 'application/json; charset=utf-8' : reply.contentType,
  headers: kept({ ...headers, ...reply.headers }),
  body: Buffer.from(reply.kind === 'json' ? JSON.stringify(reply.value) : reply.bytes),
})

/** Lets the call go on for a while when the caller leaves, and as long as a retry waits for it; a reason ends it at once. */
const linger = (
  clock: Clock,
  signal: Cancellation,
  run: Run,
): { readonly inner: Cancellation; readonly cut: () => void } => {
  const inner = new Cancellation()
  let isCut = false
  const end = (): void => {
    if (run.isAwaited()) clock.after(LINGER_MS, end)
    else inner.abort(signal.reason)
  }
  const leave = (): void => {
    if (isCut || signal.reason !== undefined) inner.abort(signal.reason)
    else clock.after(LINGER_MS, end)
  }
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  return {
    inner,
    cut: () => {
      isCut = true
      if (signal.aborted) inner.abort(signal.reason)
    },
  }
}

/**
 * Writes a stream down as it passes; at its end it is kept before the last byte leaves, so that a retry gets all of it. One that
 * outlives its reader (`goesOn`) is written down for a while after they have left, and as long as a retry waits for it.
 */
const taped = (
  source: StreamSource | BinarySource,
  most: number,
  run: Run,
  headers: Record<string, string>,
  goesOn: Clock | null = null,
): StreamSource => {
  const chunks: Buffer[] = []
  let size = 0
  let isOver = false
  let hasLeft = false
  const giveUp = (): void => {
    if (!isOver) void run.release()
    isOver = true
  }
  const end = (): void => {
    if (isOver) return
    if (goesOn !== null && run.isAwaited()) {
      goesOn.after(LINGER_MS, end)
      return
    }
    giveUp()
    source.abort()
  }
  return {
    ...(source.tell && { tell: (fault: Error) => source.tell?.(fault) ?? '' }),
    start: (listener) =>
      source.start({
        data: (chunk) => {
          size += chunk.length
          // A copy: the memory of a part is used again.
          if (size <= most) chunks.push(Buffer.from(chunk))
          if (!hasLeft) listener.data(chunk)
        },
        end: () => {
          if (isOver) return
          isOver = true
          const body = Buffer.concat(chunks)
          const contentType = 'contentType' in source ? source.contentType : EVENT_STREAM
          const answer = { status: 200, contentType, headers: kept(headers), body }
          void run.keep(size <= most ? answer : null).then(() => {
            if (!hasLeft) listener.end()
          })
        },
        fail: (fault) => {
          giveUp()
          if (!hasLeft) listener.fail(fault)
        },
      }),
    pause: () => source.pause(),
    resume: () => source.resume(),
    abort: () => {
      if (goesOn === null) {
        giveUp()
        source.abort()
        return
      }
      hasLeft = true
      goesOn.after(LINGER_MS, end)
      source.resume()
    },
  }
}

/** Runs a named request once: the first of its name runs, every other gets its answer. */
export const createRepeatable =
  ({ begin, maxAnswerBytes }: IdempotencyPorts, clock: Clock, events: Pick<Events, 'watch' | 'release'>) =>
  async ({ request, signal, headers, walk, handle, present }: Repeatable): Promise<Reply> => {
    const turn = await begin(request, signal)
    if (turn.kind === 'replay') {
      const { status, contentType, body } = turn.answer
      return {
        kind: 'bytes',
        status,
        contentType,
        bytes: body,
        headers: { ...turn.answer.headers, [header.idempotentReplayed]: 'true' },
      }
    }
    const settleFault = async (thrown: unknown): Promise<never> => {
      const fault = asAppError(thrown)
      const isBilled = (walk?.settlement?.cost ?? 0n) > 0n && fault.status !== 499
      if (lasting.has(fault.status) || isBilled) {
        const { status, headers: said, body } = present(fault)
        await turn.keep(answerOf({ kind: 'json', status, value: body, headers: said }, headers))
      } else await turn.release()
      throw thrown
    }
    const { inner, cut } = linger(clock, signal, turn)
    events.watch(inner)
    try {
      const reply = await handle(inner)
      if (reply.kind === 'events') {
        // A stream has one reader, unless it is kept: when it leaves, nothing more is made.
        const isKept = reply.begun !== undefined
        if (!isKept) cut()
        const tape = (source: StreamSource) => taped(source, maxAnswerBytes(), turn, headers, isKept ? clock : null)
        return { ...reply, stream: reply.stream.then(tape, settleFault) }
      }
      if (reply.kind === 'binary') {
        cut()
        const tape = (source: BinarySource): BinarySource =>
          Object.assign(taped(source, maxAnswerBytes(), turn, headers), { contentType: source.contentType })
        return { kind: 'binary', stream: reply.stream.then(tape, settleFault) }
      }
      if (reply.kind === 'file') await turn.release()
      else await turn.keep(answerOf(reply, headers))
      return reply
    } catch (thrown) {
      return settleFault(thrown)
    } finally {
      events.release(inner)
    }
  }
