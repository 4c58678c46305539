import type { Dispatcher } from 'undici'
import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { AppError } from '../../../kernel/errors.ts'

/** Bytes held before anybody listens; beyond them the provider is made to wait. */
const HELD_BYTES = 65_536

/** What may follow the last byte of a stream. */
type Ending = { readonly fault: Error | null }

/**
 * An event stream on its way from a provider's socket to one listener. Chunks pass untouched. undici may deliver one more
 * chunk after a pause, and everything that is left when the provider closes; both are held until the listener resumes.
 */
export class UpstreamStream implements StreamSource {
  readonly #controller: Dispatcher.DispatchController
  #held: Buffer[]
  #heldBytes = 0
  #listener: StreamListener | null = null
  #paused = false
  #over = false
  #ending: Ending | null = null
  #release: (() => void) | null

  /** @param release called once, when the listener takes over or the stream is aborted. */
  constructor(controller: Dispatcher.DispatchController, held: Buffer[], release: () => void) {
    this.#controller = controller
    this.#held = held
    for (const chunk of held) this.#heldBytes += chunk.length
    this.#release = release
  }

  start(listener: StreamListener): void {
    this.#listener = listener
    this.#letGo()
    this.resume()
  }

  pause(): void {
    this.#paused = true
    this.#controller.pause()
  }

  resume(): void {
    this.#paused = false
    this.#deliver()
    if (!this.#paused && !this.#over && this.#ending === null) this.#controller.resume()
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#held = []
    this.#letGo()
    if (this.#ending === null) this.#controller.abort(new AppError('client_closed_request'))
  }

  /** The caller left before anybody listened: the provider is cut off, and a listener that comes late is told. */
  cancel(reason: Error): void {
    if (this.#over || this.#ending !== null) return
    this.#ending = { fault: reason }
    this.#held = []
    this.#controller.abort(reason)
  }

  /** A chunk came from the socket. */
  push(chunk: Buffer): void {
    if (this.#over) return
    if (this.#listener !== null && !this.#paused && this.#held.length === 0) {
      this.#listener.data(chunk)
      return
    }
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes > HELD_BYTES) this.#controller.pause()
  }

  /** The socket side is over; `fault` is null after a well-formed end. */
  finish(fault: Error | null): void {
    if (this.#over || this.#ending !== null) return
    this.#ending = { fault }
    if (!this.#paused) this.#deliver()
  }

  #deliver(): void {
    const listener = this.#listener
    if (listener === null) return
    while (!this.#paused && !this.#over && this.#held.length > 0) {
      const chunk = this.#held.shift() as Buffer
      this.#heldBytes -= chunk.length
      listener.data(chunk)
    }
    if (this.#paused || this.#over || this.#ending === null) return
    this.#over = true
    if (this.#ending.fault === null) listener.end()
    else listener.fail(this.#ending.fault)
  }

  #letGo(): void {
    this.#release?.()
    this.#release = null
  }
}
