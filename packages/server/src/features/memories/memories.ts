import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { MemoryBounds, SealPort } from './memories.ports.ts'
import { memoryRoutes } from './memories.routes.ts'
import { createMemoryService } from './memories.service.ts'
import { createMemoryStore } from './memories.store.ts'
import { createDigests } from './memory-owner.ts'
import { memoryTransferRoutes } from './memory-transfer.routes.ts'

export interface MemoriesOptions {
  readonly database: Database
  readonly seal: SealPort
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly bounds: () => MemoryBounds
}

const HOUR_MS = 3_600_000

/** Builds what is remembered about people: `/v1/memories`. */
export const createMemories = ({ database, seal, pepper, clock, log, bounds }: MemoriesOptions): Feature => {
  const store = createMemoryStore({ database, seal, digests: createDigests(pepper), bounds })
  const service = createMemoryService({ database, store, now: clock.now })
  const newId = (at = clock.now()): string => prefixedId('mem', at)
  const shared = {
    store,
    service,
    newId,
    now: clock.now,
    time: () => ({ now: clock.now(), staleDays: bounds().staleDays }),
  }
  const timers: Timer[] = []
  const forget = async (): Promise<void> => {
    while ((await database.transaction('system', store.forgetExpired)) > 0);
  }
  return {
    name: 'memories',
    // What has a name of its own before what is named by an id.
    routes: [
      ...memoryTransferRoutes(shared),
      ...memoryRoutes({
        ...shared,
        remember: (_asker, owner, memory) =>
          service.held(owner, (transaction) => service.remember(transaction, owner, memory)),
      }),
    ],
    start: () => {
      const quietly = () =>
        forget().catch((error: Error) =>
          log.warn({ component: 'memories', error }, 'What has expired could not be forgotten'),
        )
      timers.push(clock.every(HOUR_MS, () => void quietly()))
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
    },
  }
}
