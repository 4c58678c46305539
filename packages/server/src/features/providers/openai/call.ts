import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import type { Clock, Timer } from '../../../kernel/clock.ts'
import { parseRetryAfter } from '../../../kernel/retry.ts'
import { abortReason, CallNotSent, type ProviderAnswer, ProviderFault } from '../provider.ts'
import { isBinary, isEventStream, isJson } from './content-type.ts'
import { faultOfConnection, faultOfErrorObject, faultOfStatus, timeoutFault } from './faults.ts'
import type { EventScanner, Expectation } from './expectation.ts'
import { FirstEventScanner, firstEventData } from './first-event.ts'
import { decodeBody, tooLarge } from './json-body.ts'
import { UpstreamStream } from './stream.ts'

/** Deadlines of one provider, in milliseconds. */
export interface Timeouts {
  readonly connectMs: number
  /** Streams only: until the first event is there. A whole answer takes as long as its generation. */
  readonly firstByteMs: number
  /** Longest silence inside a whole answer; inside a stream it is the relay's. */
  readonly idleMs: number
  /** Whole answers; for streams, until the first event. */
  readonly totalMs: number
}

/** What all calls of one provider share. */
export interface CallSetting {
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly maxResponseBytes: number
  /** Never to be seen in a detail. */
  readonly secrets: readonly string[]
  /** What an error status means where the provider has words of its own; OpenAI's by default. */
  readonly faultOf?: typeof faultOfStatus
}

/** Most that is read of an error answer. */
const ERROR_BYTES = 65_536

/**
 * One request to an OpenAI-compatible server: undici's handler and its state in one object, because a chain of promises and
 * closures would cost more than the request itself. Settles once; afterwards a stream lives on in its `UpstreamStream`.
 */
export class OpenAICall implements Dispatcher.DispatchHandler {
  readonly #setting: CallSetting
  readonly #expected: Expectation
  readonly #wantsStream: boolean
  readonly #signal: CancelSignal
  readonly #resolve: (answer: ProviderAnswer) => void
  readonly #reject: (fault: Error) => void
  readonly #startedAt: number
  #lastByteAt = 0
  #timer: Timer
  #controller: Dispatcher.DispatchController | null = null
  #settled = false
  #status = 0
  #type = ''
  #encoding: string | undefined
  #retryAfterMs: number | undefined
  #chunks: Buffer[] = []
  #length = 0
  #scanner: EventScanner | null = null
  #stream: UpstreamStream | null = null

  constructor(
    setting: CallSetting,
    expected: Expectation,
    signal: CancelSignal,
    resolve: (answer: ProviderAnswer) => void,
    reject: (fault: Error) => void,
  ) {
    this.#setting = setting
    const wantsStream = expected.flow !== 'whole'
    this.#expected = expected
    this.#wantsStream = wantsStream
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.#startedAt = setting.clock.monotonic()
    const { idleMs, totalMs } = setting.timeouts
    this.#timer = setting.clock.after(Math.min(totalMs, wantsStream ? this.#firstByteMs() : idleMs), this.#onTimer)
    signal.addEventListener('abort', this)
  }

  /** The signal aborted. */
  handleEvent(): void {
    const reason = abortReason(this.#signal)
    if (this.#stream !== null) this.#stream.cancel(reason)
    else this.#fail(this.#controller === null ? new CallNotSent(reason) : reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#settled) controller.abort(abortReason(this.#signal))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.#status = status
    this.#lastByteAt = this.#setting.clock.monotonic()
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity') this.#encoding = encoding
    if (status >= 300) {
      this.#retryAfterMs = parseRetryAfter(headers['retry-after'], this.#setting.clock.now())
      return
    }
    this.#type = headers['content-type'] ?? ''
    if (this.#expected.flow === 'bytes' && !isBinary(this.#type)) {
      // An error that comes with status 200 is read whole; a page is no speech.
      if (!isJson(this.#type) || this.#encoding !== undefined) this.#failMalformed()
      return
    }
    if (this.#expected.flow === 'events') {
      const { framing } = this.#expected
      const isStream = framing === undefined ? isEventStream : framing.isType
      if (!isStream(headers['content-type']) || this.#encoding !== undefined) this.#failMalformed()
      else this.#scanner = framing === undefined ? new FirstEventScanner() : framing.scanner()
      return
    }
    if (Number(headers['content-length']) > this.#setting.maxResponseBytes) this.#fail(tooLarge(status))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream !== null) {
      this.#stream.push(chunk)
      return
    }
    if (this.#settled) return
    if (this.#expected.flow === 'bytes' && this.#status < 300 && isBinary(this.#type)) {
      this.#chunks.push(chunk)
      const source = this.#begin(controller)
      this.#resolve({ kind: 'binary', status: this.#status, contentType: this.#type, source })
      return
    }
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#scanner !== null) this.#seekFirstEvent(controller, this.#scanner, chunk)
    else if (this.#status >= 300) {
      if (this.#length > ERROR_BYTES) this.#failByStatus(undefined)
    } else if (this.#length > this.#setting.maxResponseBytes) this.#fail(tooLarge(this.#status))
    else this.#lastByteAt = this.#setting.clock.monotonic()
  }

  onResponseEnd(): void {
    if (this.#stream !== null) this.#stream.finish(null)
    else if (this.#settled) return
    else if (this.#status >= 300) void this.#finishError()
    else if (this.#scanner !== null) this.#failTruncated('anywhere')
    else if (this.#expected.flow === 'bytes') this.#finishBytes()
    else if (this.#encoding !== undefined) void this.#finishEncoded(this.#encoding)
    else this.#finishJson(this.#body())
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#stream !== null) this.#stream.finish(this.#truncation('never'))
    else if (this.#settled) return
    else if (this.#status >= 300) this.#failByStatus(undefined)
    // Once an answer has begun, a lost connection is a cut answer; work that a whole answer took is not asked for twice.
    else if (this.#status !== 0) this.#failTruncated(this.#wantsStream ? 'anywhere' : 'never')
    else this.#fail(faultOfConnection(error, 0))
  }

  /** A picture is made in silence, which only the deadline of the whole ends. */
  #firstByteMs(): number {
    const { firstByteMs, totalMs } = this.#setting.timeouts
    return this.#expected.isSlow ? totalMs : firstByteMs
  }

  readonly #onTimer = (): void => {
    const { clock, timeouts } = this.#setting
    const now = clock.monotonic()
    const elapsed = now - this.#startedAt
    // Timers may fire a fraction early.
    if (elapsed + 2 >= timeouts.totalMs) return this.#expire('total')
    if (this.#wantsStream) return this.#expire('first_byte')
    const silence = this.#lastByteAt === 0 ? 0 : now - this.#lastByteAt
    if (silence + 2 >= timeouts.idleMs) return this.#expire('idle')
    this.#timer = clock.after(Math.min(timeouts.idleMs - silence, timeouts.totalMs - elapsed), this.#onTimer)
  }

  #expire(phase: 'first_byte' | 'idle' | 'total'): void {
    if (this.#status >= 300) this.#failByStatus(undefined)
    else this.#fail(timeoutFault(phase, this.#status))
  }

  #seekFirstEvent(controller: Dispatcher.DispatchController, scanner: EventScanner, chunk: Buffer): void {
    const end = scanner.scan(chunk)
    if (end < 0) {
      if (this.#length > this.#expected.firstEventBytes) this.#failMalformed()
      return
    }
    const head =
      this.#chunks.length === 1 ? chunk.subarray(0, end) : this.#body().subarray(0, this.#length - chunk.length + end)
    const fault = this.#faultOfHead(head)
    if (fault !== null) return this.#fail(fault)
    this.#resolve({ kind: 'events', status: this.#status, source: this.#begin(controller) })
  }

  #faultOfHead(head: Buffer): ProviderFault | null {
    const { framing } = this.#expected
    if (framing !== undefined) return framing.faultOf(head, this.#setting.secrets)
    return head.includes('"error"') ? this.#readError(firstEventData(head.toString('utf8'))) : null
  }

  /** What flows lives on from here by itself. */
  #begin(controller: Dispatcher.DispatchController): UpstreamStream {
    this.#settled = true
    this.#timer.cancel()
    this.#stream = new UpstreamStream(controller, this.#chunks, () => this.#signal.removeEventListener('abort', this))
    return this.#stream
  }

  /** No byte came of what should flow, or JSON in its place. */
  #finishBytes(): void {
    if (this.#length === 0) return this.#failTruncated('anywhere')
    const fault = this.#readError(this.#body().toString('utf8'))
    if (fault === null) this.#failMalformed()
    else this.#fail(fault)
  }

  #readError(json: string): ProviderFault | null {
    try {
      const event = JSON.parse(json) as { error?: unknown } | null
      if (event === null || event.error === undefined || event.error === null) return null
      return faultOfErrorObject(event, this.#status, this.#setting.secrets)
    } catch {
      return null
    }
  }

  #body(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#length)
  }

  #finishJson(body: Buffer): void {
    try {
      const reading = this.#expected.read(body, this.#status, this.#setting.secrets, this.#type)
      this.#settled = true
      this.#letGo()
      this.#resolve({ kind: 'json', status: this.#status, body, ...reading })
    } catch (fault) {
      this.#fail(fault as Error)
    }
  }

  async #finishEncoded(encoding: string): Promise<void> {
    try {
      const body = await decodeBody(this.#body(), encoding, this.#setting.maxResponseBytes, this.#status)
      if (!this.#settled) this.#finishJson(body)
    } catch (fault) {
      this.#fail(fault as Error)
    }
  }

  async #finishError(): Promise<void> {
    try {
      const body = this.#body()
      const plain =
        this.#encoding === undefined ? body : await decodeBody(body, this.#encoding, ERROR_BYTES, this.#status)
      this.#failByStatus(JSON.parse(plain.toString('utf8')))
    } catch {
      this.#failByStatus(undefined)
    }
  }

  #failByStatus(body: unknown): void {
    const { faultOf = faultOfStatus, secrets } = this.#setting
    this.#fail(faultOf(this.#status, body, this.#retryAfterMs, secrets))
  }

  #failMalformed(): void {
    this.#fail(new ProviderFault('upstream_malformed', { upstreamStatus: this.#status, retry: 'elsewhere' }))
  }

  #truncation(retry: 'anywhere' | 'never'): ProviderFault {
    return new ProviderFault('upstream_truncated', { upstreamStatus: this.#status, retry })
  }

  #failTruncated(retry: 'anywhere' | 'never'): void {
    this.#fail(this.#truncation(retry))
  }

  #letGo(): void {
    this.#timer.cancel()
    this.#signal.removeEventListener('abort', this)
  }

  #fail(fault: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#letGo()
    this.#chunks = []
    this.#reject(fault)
    // Also frees the connection of an answer that is not wanted any more; nothing happens once it has ended.
    this.#controller?.abort(fault)
  }
}
