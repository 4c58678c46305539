import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { AppError } from '../../../kernel/errors.ts'
import { createEventReader } from '../../../kernel/event-reader.ts'
import type { ResponseEvents } from './events.ts'
import type { ResponseObject } from './response.ts'

const tooLong = (): AppError => new AppError('upstream_malformed', { detail: 'One event of the stream exceeds 1 MiB.' })

/**
 * A chat completion stream on its way, as the stream of a response. Its last event leaves once `keep` has what it tells, so
 * that whoever has read it finds the same afterwards. A fault is told as `response.failed`, which is the end.
 * @param faultOf why it is given up, where that is a fault and nobody's wish.
 */
export const asResponseStream = (
  source: StreamSource,
  events: ResponseEvents,
  keep: (response: ResponseObject) => Promise<unknown>,
  faultOf: () => ErrorCode | null = () => null,
): StreamSource => {
  const reader = createEventReader(tooLong)
  let listener: StreamListener | null = null
  let last: Promise<unknown> | null = null

  /** The last event: nothing of the source is heard any more. */
  const finish = (text: string, response: ResponseObject): void => {
    last = keep(response).then(() => {
      listener?.data(Buffer.from(text))
      listener?.end()
    })
  }
  const fail = (thrown: unknown): void => {
    if (last !== null) return
    const { code, message } = thrown instanceof AppError ? thrown : new AppError('internal_error', { cause: thrown })
    finish(events.fail({ code, message }), events.snapshot('failed', { code, message }))
  }

  return {
    start: (given) => {
      listener = given
      source.start({
        data: (chunk) => {
          if (last !== null) return
          let text = ''
          let fault: unknown = null
          try {
            for (const data of reader.push(chunk)) text += events.take(data)
          } catch (thrown) {
            fault = thrown instanceof AppError ? thrown : new AppError('upstream_malformed', { cause: thrown })
          }
          const whole = events.whole()
          if (whole !== null) finish(text, whole)
          else if (text !== '') listener?.data(Buffer.from(text))
          if (fault === null) return
          source.abort()
          fail(fault)
        },
        end: () => {
          // After the terminal nothing is left to say; before it, the relay would have failed.
          if (last === null) fail(new AppError('upstream_truncated'))
        },
        fail,
      })
    },
    pause: () => source.pause(),
    resume: () => source.resume(),
    abort: () => {
      listener = null
      source.abort()
      const code = faultOf()
      const fault = code === null ? null : { code, message: errorCatalogue[code].user }
      last ??= keep(fault === null ? events.snapshot('cancelled') : events.snapshot('failed', fault))
    },
  }
}
