import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'
import { readParts } from './event-texts.ts'

/** Characters that are judged at once. */
const segmentCharacters = 1_000
/** Bytes that wait for more to be judged with them, such as sound beside a few words. */
const segmentBytes = 32_768
/** Segments that may wait for their verdict; beyond, the provider waits too. */
const mostWaiting = 2

const tooLong = (): AppError => new AppError('upstream_malformed', { detail: 'One event of the stream exceeds 1 MiB.' })

/**
 * A stream of whole events that are shown once what they say was judged, a thousand characters at a time. Events without words go at once
 * where nothing waits before them.
 * @param judge Gives why a text may not be shown; null where it may. Never rejects.
 * @param leave Told that nobody waits for a verdict any more.
 */
export const judgedStream = (
  source: StreamSource,
  judge: (text: string) => Promise<AppError | null>,
  leave: () => void,
): StreamSource => {
  const reader = createEventReader(tooLong)
  let pending: Buffer[] = []
  let pendingBytes = 0
  let text = ''
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  let isOver = false
  let isTold = false
  let isReaderPaused = false
  let listener: StreamListener | null = null

  const tell = (fault: Error): void => {
    if (isTold) return
    isTold = true
    listener?.fail(fault)
  }
  const stop = (fault: AppError): void => {
    if (isOver) return
    isOver = true
    pending = []
    if (source.refuse?.(fault) !== true) tell(fault)
  }

  /** Has what is pending judged, behind what is judged already. */
  const flush = (): void => {
    const events = pending
    const said = text
    pending = []
    pendingBytes = 0
    text = ''
    if (events.length === 0) return
    waiting++
    if (waiting > mostWaiting) source.pause()
    last = last.then(async () => {
      const fault = isOver || said === '' ? null : await judge(said)
      waiting--
      if (isOver) return
      if (fault !== null) stop(fault)
      else {
        listener?.data(Buffer.concat(events))
        if (waiting <= mostWaiting && !isReaderPaused) source.resume()
      }
    })
  }

  return {
    start: (given) => {
      listener = given
      source.start({
        data: (chunk) => {
          if (isOver) return
          try {
            for (const data of reader.push(chunk)) for (const part of readParts(data)) text += part.text
          } catch (fault) {
            stop(fault instanceof AppError ? fault : new AppError('upstream_malformed', { cause: fault }))
            return
          }
          if (text === '' && pending.length === 0 && waiting === 0) {
            given.data(chunk)
            return
          }
          pending.push(chunk)
          pendingBytes += chunk.length
          if (text.length >= segmentCharacters || pendingBytes >= segmentBytes) flush()
        },
        end: () => {
          flush()
          void last.then(() => {
            if (!isOver) given.end()
          })
        },
        fail: (fault) => {
          flush()
          void last.then(() => tell(fault))
        },
      })
    },
    pause: () => {
      isReaderPaused = true
      source.pause()
    },
    resume: () => {
      isReaderPaused = false
      if (waiting <= mostWaiting) source.resume()
    },
    abort: () => {
      isOver = true
      listener = null
      pending = []
      leave()
      source.abort()
    },
    ...(source.tell !== undefined && { tell: (fault: Error) => source.tell?.(fault) as string }),
  }
}
