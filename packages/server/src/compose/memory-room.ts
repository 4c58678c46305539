import type { Settings } from '../config/config.ts'
import { createMemories } from '../features/memories/memories.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'

interface MemoryRoomOptions {
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
}

/** Builds what is remembered about people. */
export const createMemoryRoom = ({ settings, database, seal, pepper, clock, log }: MemoryRoomOptions) => {
  const options = () => settings().config.memories
  return createMemories({
    ...{ database, seal, pepper, clock, log },
    bounds: () => ({ memories: options().max_memories, staleDays: options().stale_days }),
  })
}
