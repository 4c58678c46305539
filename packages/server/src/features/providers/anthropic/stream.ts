import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { AppError } from '../../../kernel/errors.ts'
import { createEventReader } from '../../../kernel/event-reader.ts'
import { EventTranslator } from './events.ts'
import { malformedStream } from './faults.ts'

const isTerminal = (data: string): boolean => {
  try {
    return (JSON.parse(data) as { type?: unknown } | null)?.type === 'message_stop'
  } catch {
    return false
  }
}

/**
 * A Messages stream on its way, as a chat completion stream. Every chunk of the provider becomes at most one here, so
 * that the pauses of the listener hold for both.
 */
export class MessageStream implements StreamSource {
  readonly #source: StreamSource
  readonly #reader = createEventReader(() => malformedStream('One event of the stream exceeds 1 MiB.'))
  readonly #translator: EventTranslator
  #over = false

  /** @param created seconds since the epoch. @param isForMessages who reads it translates it back. */
  constructor(source: StreamSource, created: number, secrets: readonly string[], isForMessages = false) {
    this.#source = source
    this.#translator = new EventTranslator(created, secrets, isForMessages)
  }

  start(listener: StreamListener): void {
    this.#source.start({
      data: (chunk) => this.#take(listener, () => this.#reader.push(chunk)),
      end: () => {
        // Some servers close right after the last event, without its blank line; it has said all there is to say.
        const held = this.#reader.held()
        if (isTerminal(held)) this.#take(listener, () => [held])
        if (!this.#over) listener.end()
      },
      fail: (fault) => {
        if (!this.#over) listener.fail(fault)
      },
    })
  }

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    this.#source.resume()
  }

  abort(): void {
    this.#source.abort()
  }

  /** What was said before a fault is handed on before the fault is. */
  #take(listener: StreamListener, read: () => readonly string[]): void {
    if (this.#over) return
    let translated = ''
    let fault: unknown = null
    try {
      for (const data of read()) translated += this.#translator.take(data)
    } catch (thrown) {
      fault = thrown
      this.#over = true
    }
    if (translated !== '') listener.data(Buffer.from(translated))
    if (fault === null) return
    this.#source.abort()
    listener.fail(fault instanceof AppError ? fault : new AppError('internal_error', { cause: fault }))
  }
}
