import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { faultEvent, withCursor } from './stream-fault.ts'
import type { MirrorPage, PresentFault, StreamMirror } from './streams.ports.ts'

/** How often is looked for more, at first and at most. */
const FIRST_LOOK_MS = 20
const LAST_LOOK_MS = 200
/** How long a look keeps the stream going. */
export const WATCH_MS = 10_000
/**
 * A lost owner may have handed on more events than it shared: the error comes that much later in number, so that who has them is told as
 * well.
 */
const LOST_EVENTS = 10_000
/** How long a mirror may be away before a reader is told. */
const PATIENCE_MS = 10_000

interface Options {
  readonly id: string
  readonly after: number
  readonly page: MirrorPage
  readonly mirror: StreamMirror
  readonly clock: Clock
  readonly present: PresentFault
  /** An owner that is silent for so long is taken for dead. */
  readonly lostMs: number
}

/** Reads a stream of another replica as it is written to the mirror. */
export const createMirrorReader = ({
  id,
  after,
  page: firstPage,
  mirror,
  clock,
  present,
  lostMs,
}: Options): StreamSource => {
  const { head } = firstPage
  let cursor = after
  let listener: StreamListener | null = null
  let waiting: MirrorPage | null = firstPage
  let isPaused = false
  let isOver = false
  let isLooking = false
  let pauseMs = FIRST_LOOK_MS
  let awaySince: number | null = null
  let timer: Timer | null = null
  let words: string | null = null

  const fail = (fault: AppError): void => {
    isOver = true
    listener?.fail(fault)
  }

  /** Hands a page on; false when that was the end. */
  const take = ({ frames, base, last, ending }: MirrorPage): boolean => {
    if (cursor + 1 < base) {
      fail(new AppError('stream_too_long'))
      return false
    }
    const fresh = frames.filter(({ number }) => number > cursor)
    const isAtEnd = ending !== null && (fresh.at(-1)?.number ?? cursor) >= last
    const told = isAtEnd && ending.code !== null ? fresh.pop() : undefined
    if (fresh.length > 0) {
      pauseMs = FIRST_LOOK_MS
      cursor = (fresh.at(-1) as (typeof fresh)[number]).number
      listener?.data(Buffer.concat(fresh.map(({ event }) => event)))
    }
    if (!isAtEnd || isOver) return !isOver
    if (told === undefined || ending.code === null) {
      isOver = true
      listener?.end()
    } else {
      words = told.event.toString('utf8')
      fail(new AppError(ending.code))
    }
    return false
  }

  const bury = async ({ last }: MirrorPage): Promise<void> => {
    const fault = new AppError('stream_interrupted')
    const number = last + LOST_EVENTS
    const frame = faultEvent(present, head, { id, fault, cursor: last, number })
    const ending = { state: 'failed', code: fault.code } as const
    await mirror.bury(id, { silentMs: lostMs, last, number, frame, ending })
  }

  const isAwayForLong = (): boolean => {
    const now = clock.monotonic()
    awaySince ??= now
    return now - awaySince > PATIENCE_MS
  }

  const look = async (): Promise<void> => {
    if (isOver || isPaused || isLooking) return
    isLooking = true
    try {
      const page = waiting ?? (await mirror.read(id, cursor, WATCH_MS))
      waiting = null
      if (isOver) return
      if (page === null) {
        // A store that was emptied gets it again, while its owner lives.
        if (isAwayForLong()) return fail(new AppError('stream_interrupted'))
      } else {
        awaySince = null
        if (!take(page)) return
        if (page.ending === null && page.frames.length === 0 && page.silentMs > lostMs) await bury(page)
        else if ((page.frames.at(-1)?.number ?? page.last) < page.last) pauseMs = 0
      }
    } catch {
      if (isAwayForLong()) return fail(new AppError('streams_unavailable'))
    } finally {
      isLooking = false
    }
    if (isOver || isPaused) return
    timer = clock.after(pauseMs, () => void look())
    pauseMs = Math.min(LAST_LOOK_MS, Math.max(FIRST_LOOK_MS, pauseMs * 1.5))
  }

  return {
    start: (given) => {
      listener = given
      void look()
    },
    pause: () => {
      isPaused = true
      timer?.cancel()
    },
    resume: () => {
      isPaused = false
      void look()
    },
    abort: () => {
      isOver = true
      timer?.cancel()
    },
    tell: (fault) => words ?? present(head.protocol, withCursor(fault, id, cursor), head.requestId, cursor + 1),
  }
}
