import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'

/** Gives what is there already as a stream. */
export class PreparedStream implements StreamSource {
  readonly #pieces: readonly Buffer[]
  #next = 0
  #listener: StreamListener | null = null
  #isPaused = false
  #isOver = false

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces
  }

  start(listener: StreamListener): void {
    this.#listener = listener
    this.#send()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#send()
  }

  abort(): void {
    this.#isOver = true
  }

  #send(): void {
    const listener = this.#listener
    while (listener !== null && !this.#isPaused && !this.#isOver) {
      const piece = this.#pieces[this.#next++]
      if (piece !== undefined) listener.data(piece)
      else {
        this.#isOver = true
        listener.end()
      }
    }
  }
}
