import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'

const tooLong = (): AppError => new AppError('upstream_malformed', { detail: 'One event of the stream exceeds 1 MiB.' })

/**
 * A chat completion stream on its way, in other words. Every chunk becomes at most one here, so that the pauses of the listener
 * hold for both.
 * @param translate The events that the data of one event comes to. What it throws ends the stream.
 */
export const translatedStream = (source: StreamSource, translate: (data: string) => string): StreamSource => {
  const reader = createEventReader(tooLong)
  let over = false
  const take = (listener: StreamListener, chunk: Buffer): void => {
    if (over) return
    let translated = ''
    let fault: unknown = null
    try {
      for (const data of reader.push(chunk)) translated += translate(data)
    } catch (thrown) {
      fault = thrown
      over = true
    }
    if (translated !== '') listener.data(Buffer.from(translated))
    if (fault === null) return
    source.abort()
    listener.fail(fault instanceof AppError ? fault : new AppError('upstream_malformed', { cause: fault }))
  }
  return {
    start: (listener) =>
      source.start({
        data: (chunk) => take(listener, chunk),
        end: () => {
          if (!over) listener.end()
        },
        fail: (fault) => {
          if (!over) listener.fail(fault)
        },
      }),
    pause: () => source.pause(),
    resume: () => source.resume(),
    abort: () => source.abort(),
  }
}
