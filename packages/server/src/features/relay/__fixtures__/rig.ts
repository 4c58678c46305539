import type { InferenceRequest } from '../../../domain/inference.ts'
import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { AppError } from '../../../kernel/errors.ts'
import { noFaults } from '../../../kernel/fault-points.ts'
import { createRelay } from '../relay.ts'
import type { StreamEnd, StreamReceipt } from '../relay.ports.ts'

/** A clock that a test turns by hand. */
export const handClock = (): Clock & { advance(milliseconds: number): void; timers(): number } => {
  let now = 1_000
  const timers = new Set<{ at: number; every: number | null; callback: () => void }>()
  const set = (milliseconds: number, every: number | null, callback: () => void) => {
    const timer = { at: now + milliseconds, every, callback }
    timers.add(timer)
    return { cancel: () => timers.delete(timer) }
  }
  return {
    now: () => now,
    monotonic: () => now,
    after: (milliseconds, callback) => set(milliseconds, null, callback),
    every: (milliseconds, callback) => set(milliseconds, milliseconds, callback),
    timers: () => timers.size,
    advance: (milliseconds) => {
      const until = now + milliseconds
      for (;;) {
        const next = [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        now = next.at
        if (next.every === null) timers.delete(next)
        else next.at += next.every
        next.callback()
      }
      now = until
    },
  }
}

export const chatRequest = (overrides: Partial<InferenceRequest> = {}): InferenceRequest => ({
  operation: 'chat',
  model: 'm',
  stream: true,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound: 100,
  hasFiles: false,
  user: null,
  body: Buffer.from('{}'),
  members: new Map(),
  ...overrides,
})

export interface RigOptions {
  readonly includeUsage?: boolean
  readonly idleMs?: number
  readonly totalMs?: number
  readonly settle?: (end: StreamEnd) => StreamReceipt | Promise<StreamReceipt>
}

/** A relay between a source that the test pushes into and a reader that writes everything down, in order. */
export const createRig = (options: RigOptions = {}) => {
  const clock = handClock()
  const relay = createRelay({
    clock,
    idleMs: options.idleMs ?? 1_000,
    totalMs: options.totalMs ?? 10_000,
    faultPoints: noFaults,
  })
  const log: string[] = []
  const received: Buffer[] = []
  const ends: StreamEnd[] = []
  const marks: number[] = []
  let fault: Error | null = null
  let upstream: StreamListener | null = null
  const source: StreamSource = {
    start: (listener) => {
      upstream = listener
    },
    pause: () => log.push('upstream paused'),
    resume: () => log.push('upstream resumed'),
    abort: () => log.push('upstream aborted'),
  }
  const stream = relay.stream({
    answer: {
      kind: 'events',
      release: () => {},
      target: {
        name: 'openai/gpt-x',
        provider: 'openai',
        model: 'gpt-x',
        operations: ['chat'],
        maxOutputTokens: null,
        contextTokens: null,
      },
      attempts: [{ target: 'openai/gpt-x', status: 200, durationMs: 5, fault: null }],
      source,
    },
    request: chatRequest({ includeUsage: options.includeUsage ?? false }),
    requestId: 'req_1',
    startedAt: clock.monotonic(),
    mark: (parts) => {
      marks.push(parts)
      log.push(`mark ${parts}`)
    },
    settle: (end) => {
      ends.push(end)
      log.push(`settle ${end.outcome}`)
      return options.settle?.(end) ?? { costUsd: '0.000015', estimated: false }
    },
  })
  stream.start({
    data: (chunk) => {
      received.push(Buffer.from(chunk))
      log.push('data')
    },
    end: () => log.push('end'),
    fail: (cause) => {
      fault = cause
      log.push(`fail ${cause instanceof AppError ? cause.code : 'other'}`)
    },
  })
  return {
    clock,
    relay,
    stream,
    log,
    marks,
    ends,
    push: (...chunks: (string | Buffer)[]) => {
      for (const chunk of chunks) upstream?.data(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    },
    close: () => upstream?.end(),
    break: (cause: Error) => upstream?.fail(cause),
    bytes: () => Buffer.concat(received),
    text: () => Buffer.concat(received).toString(),
    fault: () => fault as AppError | null,
    end: () => ends[0] as StreamEnd,
  }
}

/** One chunk of a chat stream as an event. */
export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
export const content = (text: string | null, more: Record<string, unknown> = {}) =>
  event({ id: 'c', choices: [{ index: 0, delta: { content: text }, finish_reason: null }], ...more })
export const done = 'data: [DONE]\n\n'
