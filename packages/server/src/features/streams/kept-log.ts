import type { StreamEnding } from './streams.ports.ts'

/** What an event costs beyond its bytes. */
const OVERHEAD_BYTES = 96
/** Events that are gone are cleared away so many at a time. */
const CLEARED_AT_ONCE = 256

/** The events of one stream, numbered from 1, of which the oldest may be gone. */
export interface KeptLog {
  /** Number of the first event that is there, and of the last; 0 before the first. */
  readonly base: number
  readonly last: number
  /** Memory of what is there. */
  readonly bytes: number
  readonly ending: StreamEnding | null
  append(event: Buffer): void
  /** Ends it; `event` tells why, where it is not whole. */
  end(ending: StreamEnding, event: Buffer | null): void
  /** Events after a number up to another, in all so many bytes, one at least where there is one. */
  page(after: number, upTo: number, mostBytes: number): readonly Buffer[]
  /** Lets the first event go. */
  drop(): void
}

/** `onBytes` is told how much more is held, or how much less. */
export const createLog = (onBytes: (change: number) => void = () => {}): KeptLog => {
  let events: Buffer[] = []
  let gone = 0
  let base = 1
  let bytes = 0
  let ending: StreamEnding | null = null
  const hold = (change: number): void => {
    bytes += change
    onBytes(change)
  }
  const log: KeptLog = {
    get base() {
      return base
    },
    get last() {
      return base + events.length - gone - 1
    },
    get bytes() {
      return bytes
    },
    get ending() {
      return ending
    },
    append: (event) => {
      events.push(event)
      hold(event.length + OVERHEAD_BYTES)
    },
    end: (how, event) => {
      if (event !== null) log.append(event)
      ending = how
    },
    page: (after, upTo, mostBytes) => {
      const first = gone + Math.max(0, after + 1 - base)
      const most = Math.min(events.length, gone + upTo + 1 - base)
      let end = first
      let size = 0
      while (end < most && (size === 0 || size < mostBytes)) size += (events[end++] as Buffer).length
      return events.slice(first, end)
    },
    drop: () => {
      const event = events[gone] as Buffer
      hold(-event.length - OVERHEAD_BYTES)
      // Let go at once; the place in the list goes with others.
      events[gone++] = Buffer.alloc(0)
      base += 1
      if (gone < CLEARED_AT_ONCE) return
      events = events.slice(gone)
      gone = 0
    },
  }
  return log
}
