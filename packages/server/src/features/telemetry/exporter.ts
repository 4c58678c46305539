import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Deliver } from '../../kernel/outbound.ts'

/** A receiver of telemetry. */
export interface Sink {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export interface ExporterOptions<Item> {
  /** Named in log and counters. */
  readonly signal: string
  readonly sink: Sink
  /** Most items of one delivery: they are encoded at once, and calls wait meanwhile. */
  readonly batch: number
  readonly encode: (items: readonly Item[]) => string
  readonly deliver: Deliver
  readonly clock: Clock
  readonly log: Log
  readonly onSent: (count: number) => void
  readonly onDropped: (count: number) => void
}

const MOST_WAITING = 8_192
const SEND_EVERY_MS = 1_000
const TIMEOUT_MS = 10_000
const LONGEST_PAUSE_MS = 30_000
/** At the end of the process a sink that is slow is not waited for. */
const LAST_TIMEOUT_MS = 2_000
/** opentelemetry.io/docs/specs/otlp: these may be sent again; every other refusal drops the batch. */
const sendAgain = new Set([429, 502, 503, 504])

/** Hands items to one sink in batches, one at a time. The queue is bounded: what finds no room is dropped and counted. */
export const createExporter = <Item>(options: ExporterOptions<Item>) => {
  const { signal, sink, batch, encode, deliver, clock, log, onSent, onDropped } = options
  let queue: Item[] = []
  let timer: Timer | null = null
  let sending: Promise<boolean> | null = null
  let pause = SEND_EVERY_MS
  let failing = false
  let stopped = false

  const fails = (fields: object): void => {
    if (!failing)
      log.warn(
        { component: 'telemetry', reason: signal, ...fields },
        'A sink of telemetry does not take what it is sent',
      )
    failing = true
  }

  /** Sends the first batch; resolves to whether there is more that can be sent now. */
  const send = async (timeoutMs: number): Promise<boolean> => {
    const items = queue.slice(0, batch)
    if (items.length === 0) return false
    let again: number | null = null
    try {
      const { status, retryAfterMs } = await deliver(sink.url, sink.headers, encode(items), timeoutMs)
      if (status < 300) {
        if (failing) log.info({ component: 'telemetry', reason: signal }, 'The sink of telemetry takes it again')
        failing = false
        onSent(items.length)
      } else {
        fails({ status })
        if (sendAgain.has(status)) again = retryAfterMs ?? pause * 2
        else onDropped(items.length)
      }
    } catch (error) {
      fails({ error })
      again = pause * 2
    }
    if (again !== null) {
      pause = Math.min(LONGEST_PAUSE_MS, again)
      return false
    }
    queue = queue.slice(items.length)
    pause = SEND_EVERY_MS
    return queue.length > 0
  }

  const run = (): void => {
    timer?.cancel()
    timer = null
    if (sending !== null) return
    sending = send(TIMEOUT_MS)
    void sending.then((more) => {
      sending = null
      if (more && queue.length >= batch) run()
      else if (queue.length > 0) schedule()
    })
  }
  const schedule = (): void => {
    if (timer === null && !stopped) timer = clock.after(pause, run)
  }

  return {
    push: (item: Item): void => {
      if (queue.length >= MOST_WAITING) {
        onDropped(1)
        return
      }
      queue.push(item)
      if (queue.length === batch && sending === null && !failing) run()
      else schedule()
    },
    stop: async (): Promise<void> => {
      stopped = true
      timer?.cancel()
      await sending
      const deadline = clock.monotonic() + LAST_TIMEOUT_MS
      while (!failing || queue.length > 0) {
        const left = deadline - clock.monotonic()
        if (left <= 0 || !(await send(left))) break
      }
      if (queue.length > 0) onDropped(queue.length)
    },
  }
}
