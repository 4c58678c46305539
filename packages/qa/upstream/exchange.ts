import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Script } from './script.ts'
import { type TruthLog, type TruthRow, preciseNow } from './truth.ts'

/** One request and its answer, with the truth row that follows it. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly row: TruthRow
  /** The caller is gone, or the answer has ended. */
  closed = false
  #wake: (() => void) | undefined

  constructor(request: IncomingMessage, response: ServerResponse, row: TruthRow, truth: TruthLog) {
    this.request = request
    this.response = response
    this.row = row
    response.on('close', () => {
      this.closed = true
      if (row.outcome === 'open' || (row.outcome === 'complete' && !response.writableFinished)) {
        row.outcome = 'aborted'
        row.aborted_at = preciseNow()
        row.aborted_after_tokens = row.produced_tokens
        row.ended_at = row.aborted_at
      }
      truth.settle(row)
      this.#wake?.()
    })
  }

  /** Waits; false when the caller left meanwhile. */
  sleep(milliseconds: number): Promise<boolean> {
    if (this.closed) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds, true)
      this.#wake = () => {
        clearTimeout(timer)
        resolve(false)
      }
    })
  }

  /** Waits until the caller leaves: a stall. */
  stall(): Promise<boolean> {
    if (this.closed) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#wake = () => resolve(false)
    })
  }

  /** Waits until the socket takes more; false when the caller left meanwhile. */
  drained(): Promise<boolean> {
    if (this.closed) return Promise.resolve(false)
    return new Promise((resolve) => {
      const onDrain = (): void => resolve(true)
      this.response.once('drain', onDrain)
      this.#wake = () => {
        this.response.off('drain', onDrain)
        resolve(false)
      }
    })
  }

  /** Records how the answer ended, just before its last bytes are handed over. */
  end(outcome: 'complete' | 'cut' | 'refused'): void {
    if (this.row.outcome !== 'open') return
    this.row.outcome = outcome
    this.row.ended_at = preciseNow()
  }

  /** A TCP reset, after what was written has had the time to leave. */
  async reset(): Promise<void> {
    if (this.response.headersSent) await this.sleep(20)
    this.end('cut')
    this.request.socket.resetAndDestroy()
  }
}

/**
 * The body of an answer on its way out: whole writes on the plain path; single bytes, a slow drip or a cut when the
 * script says so.
 */
export class Body {
  readonly #exchange: Exchange
  readonly #cutAt: number
  readonly #bytewise: boolean
  readonly #bytesPerSecond: number | undefined
  readonly #cutMode: 'close' | 'end' | 'fin'
  #written = 0

  constructor(exchange: Exchange, script: Script) {
    this.#exchange = exchange
    this.#cutAt = script['cut-at-byte'] ?? Number.POSITIVE_INFINITY
    this.#bytewise = script.malformed?.includes('one-byte') ?? false
    this.#bytesPerSecond = script.drip
    this.#cutMode = script.cut ?? 'close'
    if (this.#cutMode === 'close' && willCut(script)) exchange.response.useChunkedEncodingByDefault = false
  }

  /** Writes all of it, waiting when the socket is full; false when nothing more is to be written. */
  write(data: string | Buffer): boolean | Promise<boolean> {
    const { response } = this.#exchange
    if (this.#exchange.closed) return false
    if (this.#cutAt === Number.POSITIVE_INFINITY && !this.#bytewise && this.#bytesPerSecond === undefined) {
      return response.write(data) || this.#exchange.drained()
    }
    return this.#writeSlowly(typeof data === 'string' ? Buffer.from(data) : data)
  }

  async #writeSlowly(bytes: Buffer): Promise<boolean> {
    const { response } = this.#exchange
    const allowed = bytes.subarray(0, Math.max(0, this.#cutAt - this.#written))
    const perTick = Math.max(1, Math.floor((this.#bytesPerSecond ?? 0) / 50))
    const step = this.#bytewise ? 1 : this.#bytesPerSecond === undefined ? allowed.length : perTick
    for (let at = 0; at < allowed.length; at += step) {
      const slice = allowed.subarray(at, at + step)
      if (!response.write(slice) && !(await this.#exchange.drained())) return false
      if (this.#bytesPerSecond !== undefined) {
        if (!(await this.#exchange.sleep((slice.length * 1000) / this.#bytesPerSecond))) return false
      } else if (this.#bytewise) {
        // one write per turn of the event loop, else the kernel gets them in one piece
        await new Promise((resolve) => setImmediate(resolve))
        if (this.#exchange.closed) return false
      }
    }
    this.#written += allowed.length
    if (allowed.length === bytes.length && this.#written < this.#cutAt) return true
    this.cut()
    return false
  }

  /** Ends the answer early, in the scripted way. */
  cut(): void {
    const { response, request } = this.#exchange
    this.#exchange.end('cut')
    if (this.#cutMode === 'fin') {
      // not response.end(): that would write the last chunk and make the body well-formed
      if (!response.headersSent) response.flushHeaders()
      setImmediate(() => request.socket.destroySoon())
    } else {
      response.end()
    }
  }
}

/** The script ends its answer early by a cut (not by a reset or an error event). */
export const willCut = (script: Script): boolean =>
  !script.plain &&
  (script['cut-at-part'] ?? script['cut-at-byte'] ?? script['cut-in-json'] ?? script['cut-in-character']) !== undefined
