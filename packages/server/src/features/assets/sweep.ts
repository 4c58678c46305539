import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BlobPort } from './assets.ports.ts'
import type { ChunkStore } from './chunks.store.ts'
import type { UploadStore } from './uploads.store.ts'

interface SweepOptions {
  readonly chunks: Pick<ChunkStore, 'erase'>
  readonly uploads: Pick<UploadStore, 'expire'>
  readonly blobs: Pick<BlobPort, 'remove'>
  /** Tells caches in front; tells whether there may be more. */
  readonly purge: () => Promise<boolean>
  readonly clock: Clock
  readonly log: Log
}

const SWEEP_MS = 60_000

/**
 * Ends uploads that nobody went on with, and erases the objects of all that is gone: each minute, and at once where something was
 * erased here. Replicas share the work row by row.
 */
export const createSweep = ({ chunks, uploads, blobs, purge, clock, log }: SweepOptions) => {
  let running: Promise<void> | null = null
  let again = false
  let isOver = false
  const timer = { cancel: (): void => {} }

  const remove = async (object: string): Promise<boolean> => {
    try {
      await blobs.remove(object)
      return true
    } catch (error) {
      log.warn({ component: 'assets', error: error as Error }, 'An object of an erased asset could not be erased yet')
      return false
    }
  }
  const sweep = async (): Promise<void> => {
    while (!isOver && (await uploads.expire()));
    // First: what caches still give is what people still see.
    while (!isOver && (await purge()));
    while (!isOver && (await chunks.erase(remove)));
  }
  const soon = (): void => {
    if (isOver) return
    if (running !== null) {
      again = true
      return
    }
    running = sweep()
      .catch((error: Error) => log.warn({ component: 'assets', error }, 'What is erased could not be swept away'))
      .finally(() => {
        running = null
        if (again) {
          again = false
          soon()
        }
      })
  }
  return {
    /** Sweeps now, or once more after the sweep that is under way. */
    soon,
    start: (): void => {
      timer.cancel = clock.every(SWEEP_MS, soon).cancel
    },
    stop: async (): Promise<void> => {
      isOver = true
      timer.cancel()
      await running
    },
  }
}
