import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import type { Clock, Timer } from '../../../kernel/clock.ts'

/** Sends prepared events, or pieces of bytes, one after another, `pauseMs` apart, so that a stream looks like one. */
export class DemoStream implements StreamSource {
  readonly #clock: Clock
  readonly #events: readonly (string | Buffer)[]
  readonly #pauseMs: number
  #next = 0
  #listener: StreamListener | null = null
  #paused = false
  #over = false
  #timer: Timer | null = null

  constructor(clock: Clock, events: readonly (string | Buffer)[], pauseMs: number) {
    this.#clock = clock
    this.#events = events
    this.#pauseMs = pauseMs
  }

  start(listener: StreamListener): void {
    this.#listener = listener
    this.#send()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#timer === null) this.#send()
  }

  abort(): void {
    this.#over = true
    this.#timer?.cancel()
  }

  #send(): void {
    const listener = this.#listener
    if (listener === null || this.#paused || this.#over) return
    const event = this.#events[this.#next]
    if (event === undefined) {
      this.#over = true
      listener.end()
      return
    }
    this.#next++
    this.#timer = this.#clock.after(this.#pauseMs, () => {
      this.#timer = null
      this.#send()
    })
    listener.data(typeof event === 'string' ? Buffer.from(event) : event)
  }
}
