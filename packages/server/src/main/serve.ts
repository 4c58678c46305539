import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { loadConfig } from '../config/config.ts'

/** How many processes the option `workers` stands for. */
const workersOf = (workers: number | 'auto'): number => (workers === 'auto' ? availableParallelism() : workers)

/**
 * Runs until SIGTERM or SIGINT, also while still starting, then drains; SIGHUP reloads the configuration. With `workers` this process
 * owns the store and looks after the processes that serve.
 * @throws what a start throws, and WorkersFailed.
 */
export const serve = async (flags: Partial<Record<string, string>>): Promise<void> => {
  const input = { flags }
  // Each way is loaded alone: the primary of several processes answers no calls and needs no house.
  if (cluster.isWorker) return (await import('./worker.ts')).serveAsWorker(input)
  const settings = await loadConfig(input)
  const workers = workersOf(settings.config.workers)
  if (workers === 1) return (await import('./single.ts')).serveAlone(input)
  return (await import('./primary.ts')).serveAsPrimary(settings, workers)
}
