import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import type { KeptLog } from './kept-log.ts'

/** Handed on in one piece at most. */
const PAGE_BYTES = 65_536

/** One who reads a log from a place on, at their own pace. */
export interface LogReader extends StreamSource {
  /** Number of the last event that was handed on. */
  readonly cursor: number
  /** Hands on what there is. */
  pump(): void
}

interface Options {
  readonly log: KeptLog
  readonly after: number
  /** Writes a fault of this reader alone, with the place it came to. */
  readonly tell: (fault: Error, cursor: number) => string
  /** Told that it has read on. */
  readonly onRead: () => void
  readonly onLeave: (reader: LogReader) => void
}

/** Reads a log as a stream. The event of a fault is told as the fault it is, so that the answer is known to have failed. */
export const createLogReader = ({ log, after, tell, onRead, onLeave }: Options): LogReader => {
  let cursor = after
  let listener: StreamListener | null = null
  let isPaused = false
  let isOver = false
  let isPumping = false
  let words: string | null = null

  const leave = (): void => {
    if (isOver) return
    isOver = true
    onLeave(reader)
  }
  const fail = (fault: AppError): void => {
    leave()
    listener?.fail(fault)
  }
  const finish = (code: AppError['code'] | null): void => {
    if (code === null || cursor >= log.last) {
      leave()
      listener?.end()
      return
    }
    words = (log.page(cursor, log.last, 1)[0] as Buffer).toString('utf8')
    fail(new AppError(code))
  }
  /** One page; false when there is nothing more to hand on for now. */
  const step = (): boolean => {
    if (isOver || isPaused || listener === null) return false
    if (cursor + 1 < log.base) {
      fail(new AppError('stream_too_long'))
      return false
    }
    const { ending } = log
    const upTo = ending !== null && ending.code !== null ? log.last - 1 : log.last
    if (cursor < upTo) {
      const events = log.page(cursor, upTo, PAGE_BYTES)
      cursor += events.length
      listener.data(events.length === 1 ? (events[0] as Buffer) : Buffer.concat(events))
      return true
    }
    if (ending !== null) finish(ending.code)
    return false
  }
  const pump = (): void => {
    if (isPumping) return
    isPumping = true
    try {
      let hasRead = false
      while (step()) hasRead = true
      if (hasRead && !isOver) onRead()
    } finally {
      isPumping = false
    }
  }
  const reader: LogReader = {
    get cursor() {
      return cursor
    },
    pump,
    start: (given) => {
      listener = given
      pump()
    },
    pause: () => {
      isPaused = true
    },
    resume: () => {
      isPaused = false
      pump()
    },
    abort: leave,
    tell: (fault) => words ?? tell(fault, cursor),
  }
  return reader
}
