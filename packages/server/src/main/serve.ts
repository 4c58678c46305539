import cluster from 'node:cluster'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../config/config.ts'
import { prepare } from './prepare.ts'

/** How many processes the option `workers` stands for. */
const workersOf = (workers: number | 'auto'): number => (workers === 'auto' ? availableParallelism() : workers)

/** Where the folder beside the sources cannot be written to, as in a container, compiled code is kept in the data folder. */
const keepCompiledCode = (dataDirectory: string): void => {
  if (getCompileCacheDir() === undefined) enableCompileCache(join(dataDirectory, 'cache'))
}

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
  keepCompiledCode(settings.config.data_dir)
  if (workers === 1) {
    const prepared = prepare(input, undefined, settings)
    return (await import('./single.ts')).serveAlone(input, prepared)
  }
  return (await import('./primary.ts')).serveAsPrimary(settings, workers)
}
