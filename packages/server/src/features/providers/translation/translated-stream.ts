import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { AppError } from '../../../kernel/errors.ts'
import type { EventReader } from '../../../kernel/event-reader.ts'

/** Turns the events of a provider into the bytes of a chat completion stream. */
export interface EventTranslator {
  /**
   * The chunks that one event comes to.
   * @throws ProviderFault for an event that tells of one, and for what does not keep to the protocol.
   */
  take(data: string): string
  /** What is still to be said once the provider has ended; nothing where its answer was cut. `held` is as the reader gives it. */
  end(held: string): string
}

/**
 * The stream of another protocol on its way, as a chat completion stream. Every chunk of the provider becomes at most one here, so
 * that the pauses of the listener hold for both.
 */
export class TranslatedStream implements StreamSource {
  readonly #source: StreamSource
  readonly #reader: EventReader
  readonly #translator: EventTranslator
  #over = false

  constructor(source: StreamSource, reader: EventReader, translator: EventTranslator) {
    this.#source = source
    this.#reader = reader
    this.#translator = translator
  }

  start(listener: StreamListener): void {
    this.#source.start({
      data: (chunk) =>
        this.#take(listener, (say) => {
          for (const data of this.#reader.push(chunk)) say(this.#translator.take(data))
        }),
      end: () => {
        this.#take(listener, (say) => say(this.#translator.end(this.#reader.held())))
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
  #take(listener: StreamListener, translate: (say: (chunks: string) => void) => void): void {
    if (this.#over) return
    let translated = ''
    let fault: unknown = null
    try {
      translate((chunks) => {
        translated += chunks
      })
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
