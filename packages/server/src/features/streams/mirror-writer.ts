import type { Clock, Timer } from '../../kernel/clock.ts'
import type { KeptLog } from './kept-log.ts'
import type { StreamHead, StreamMirror } from './streams.ports.ts'

/** Events of so many milliseconds go together. */
const GATHER_MS = 10
const RETRY_MS = 500
/** A store that is slow holds no answer up for longer. */
const ANNOUNCE_MS = 100
/** Sent in one piece at most. */
const PAGE_BYTES = 262_144

/** Keeps a stream where other replicas read it. */
export interface MirrorWriter {
  /** Says that there is such a stream; resolves when other replicas know, or have not learnt it within a moment. */
  announce(): Promise<void>
  /** There is more to write. */
  changed(): void
  /** Says that its owner lives, where nothing was written of late. */
  beat(): void
  /** Whether somebody follows it on another replica, as far as was heard. */
  isWatched(): boolean
  /** Asks anew; false where the mirror is away, because then nobody can. */
  askWatched(): Promise<boolean>
  /** Number of the last event that is there. */
  written(): number
  /** Writes what is left, at once; resolves when that is done, or could not be. */
  flush(): Promise<void>
  /** Writes no more. */
  stop(): void
}

interface Options {
  readonly id: string
  readonly head: StreamHead
  readonly log: KeptLog
  readonly mirror: StreamMirror
  readonly clock: Clock
  readonly keepMs: () => number
  readonly onWritten: () => void
  readonly onCancelled: () => void
  /** Another replica took this one for dead and has ended the stream. */
  readonly onBuried: () => void
}

/**
 * Writes a log to the mirror behind the readers here, who never wait for it: while it is away the log waits, and what was lost with
 * an emptied store is written again.
 */
export const createMirrorWriter = (options: Options): MirrorWriter => {
  const { id, head, log, mirror, clock } = options
  let written = 0
  let isWatched = false
  let isEndWritten = false
  let isStopped = false
  let sending: Promise<void> | null = null
  let wasSilent = true
  let timer: Timer | null = null

  const schedule = (milliseconds: number): void => {
    if (isStopped) return
    timer ??= clock.after(milliseconds, () => {
      timer = null
      void send()
    })
  }

  const sendOnce = async (): Promise<void> => {
    const first = Math.max(written + 1, log.base)
    const frames = log.page(first - 1, log.last, PAGE_BYTES)
    const reaches = first + frames.length - 1
    const ending = reaches === log.last ? log.ending : null
    const part = { head, first, frames, base: log.base, ending, keepMs: options.keepMs() }
    const answer = await mirror.write(id, part)
    wasSilent = false
    written = answer.last
    isWatched = answer.isWatched
    isEndWritten ||= (ending !== null && answer.last >= reaches) || answer.isEnded
    if (log.ending !== null) return
    if (answer.isEnded) options.onBuried()
    else if (answer.isCancelled) options.onCancelled()
  }

  const isBehind = (): boolean => !isEndWritten && (written < log.last || log.ending !== null)
  const sendAll = async (): Promise<void> => {
    try {
      do await sendOnce()
      while (isBehind())
      options.onWritten()
    } catch {
      // The mirror tells of itself; what is not written waits in the log.
      schedule(RETRY_MS)
    } finally {
      sending = null
    }
    if (isBehind()) schedule(GATHER_MS)
  }
  const send = (): Promise<void> => {
    if (isEndWritten || isStopped) return Promise.resolve()
    sending ??= sendAll()
    return sending
  }

  return {
    announce: () =>
      new Promise((resolve) => {
        const patience = clock.after(ANNOUNCE_MS, resolve)
        void send().then(() => {
          patience.cancel()
          resolve()
        })
      }),
    changed: () => schedule(GATHER_MS),
    beat: () => {
      if (wasSilent) void send()
      wasSilent = true
    },
    isWatched: () => isWatched,
    askWatched: () =>
      sendOnce().then(
        () => isWatched,
        () => false,
      ),
    written: () => written,
    flush: async () => {
      await sending
      if (isBehind()) await send()
    },
    stop: () => {
      isStopped = true
      timer?.cancel()
    },
  }
}
