import { Cancellation } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { createRunBatch, type RunBatchOptions } from './run-batch.ts'

/** How often a process looks for a batch that nobody works on. */
const LOOK_MS = 1_000

/** Takes batches and works on them: each by one run at a time, of all replicas. */
export const createBatchWorker = (options: RunBatchOptions) => {
  const { clock, log, runs, bounds, isDraining } = options
  const run = createRunBatch(options)
  const stop = new Cancellation()
  const underWay = new Set<Promise<void>>()
  let isLooking = false
  let isAway = false

  const take = async (): Promise<void> => {
    while (!stop.aborted && !isDraining() && underWay.size < bounds().running) {
      const batch = await runs.claim(prefixedId('run', clock.now()))
      isAway = false
      if (batch === null) return
      const one: Promise<void> = run(batch, stop)
        .catch((error: Error) =>
          log.warn({ component: 'files', error }, 'The work on a batch broke off; it is taken up again'),
        )
        .finally(() => underWay.delete(one))
      underWay.add(one)
    }
  }
  const look = async (): Promise<void> => {
    if (isLooking) return
    isLooking = true
    try {
      await take()
    } catch (error) {
      if (!isAway) log.warn({ component: 'files', error: error as Error }, 'Batches cannot be looked for')
      isAway = true
    } finally {
      isLooking = false
    }
  }
  const timer = { cancel: (): void => {} }

  return {
    look: (): void => void look(),
    start: (): void => {
      timer.cancel = clock.every(LOOK_MS, () => void look()).cancel
    },
    /** Ends what runs; what was not called is left to other replicas. */
    stop: async (): Promise<void> => {
      timer.cancel()
      stop.abort(new AppError('server_draining'))
      await Promise.all(underWay)
    },
  }
}
