import type { Log } from '../../kernel/log.ts'
import type { PurgeStore } from './purges.store.ts'

/** Tells the caches in front to forget what has these tags; resolves to the status of the answer. Rejects where none comes. */
export type SendPurge = (tags: readonly string[]) => Promise<number>

interface PurgeOptions {
  readonly store: PurgeStore
  /** Null: there is none to be told. */
  readonly send: SendPurge | null
  readonly log: Log
}

/** About three days, at an hour between two tries: an address lives a week at most. */
const MOST_TRIES = 80

/** Brings some purges to the caches in front. Resolves to whether there may be more that can be brought now. */
export const createPurgeCaches = ({ store, send, log }: PurgeOptions) => {
  if (send === null) return async (): Promise<boolean> => false
  return async (): Promise<boolean> => {
    const purges = await store.take()
    if (purges.length === 0) return false
    const status = await send(purges.map(({ tag }) => tag)).catch(() => 0)
    if (status >= 200 && status < 300) {
      await store.end(purges)
      return purges.length === store.most
    }
    const lost = purges.filter(({ tries }) => tries >= MOST_TRIES)
    log.warn(
      { component: 'assets', status, count: purges.length },
      lost.length > 0
        ? 'Caches in front were not told of what is erased, and will not be any more'
        : 'Caches in front could not be told yet of what is erased',
    )
    if (lost.length > 0) await store.end(lost)
    await store.postpone(purges)
    return false
  }
}
