import type { Clock, Timer } from '../../kernel/clock.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import type { Log } from '../../kernel/log.ts'

const WRITE_EVERY_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

export interface WriterOptions<Item> {
  readonly clock: Clock
  readonly log: Log
  /** Named in the log. */
  readonly what: string
  readonly batch: number
  /** Items held while PostgreSQL does not answer. */
  readonly most: number
  readonly write: (items: readonly Item[]) => Promise<void>
  readonly onDropped: (count: number) => void
}

/** Writes items in batches behind the answers; what finds no room is dropped and counted. */
export const createWriter = <Item>({ clock, log, what, batch, most, write, onDropped }: WriterOptions<Item>) => {
  let queue: Item[] = []
  let running: Promise<void> | null = null
  let timer: Timer | null = null
  let pause = WRITE_EVERY_MS
  let failing = false

  /** What PostgreSQL refuses for one item’s sake is halved until that item stands alone, and is dropped. */
  const writeAll = async (items: readonly Item[]): Promise<void> => {
    try {
      await write(items)
    } catch (error) {
      if (isConnectionFault(error)) throw error
      if (items.length === 1) {
        onDropped(1)
        log.error({ component: 'requests', reason: what, error }, 'PostgreSQL refuses what is kept of a request')
        return
      }
      const half = items.length >> 1
      await writeAll(items.slice(0, half))
      await writeAll(items.slice(half))
    }
  }

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const items = queue.slice(0, batch)
      try {
        await writeAll(items)
      } catch (error) {
        const fields = { component: 'requests' as const, count: queue.length, reason: what, error }
        if (!failing) log.warn(fields, 'PostgreSQL does not take what is kept of requests')
        failing = true
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
        throw error
      }
      queue = queue.slice(items.length)
      failing = false
      pause = WRITE_EVERY_MS
    }
  }

  /** Writes all that was handed in until now. @throws what writing throws. */
  const flush = (): Promise<void> => {
    timer?.cancel()
    timer = null
    const before = running ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(drain)
    const settled = mine.finally(() => {
      if (running === settled) running = null
      if (queue.length > 0) schedule()
    })
    running = settled
    return settled
  }

  const schedule = (): void => {
    timer ??= clock.after(pause, () => {
      timer = null
      flush().catch(() => undefined)
    })
  }

  return {
    push: (item: Item): void => {
      if (queue.length >= most) {
        onDropped(1)
        return
      }
      queue.push(item)
      if (running === null) schedule()
    },
    flush,
    stop: async (): Promise<void> => {
      await flush().catch(() => onDropped(queue.length))
      timer?.cancel()
    },
  }
}
