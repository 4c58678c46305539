import { compose } from './compose.ts'
import type { House, Overrides } from './compose/house.ts'
import type { Storage } from './compose/storage.ts'
import type { Crew } from './compose/crew.ts'
import type { ConfigInput } from './config/gather.ts'
import { reloadConfig } from './config/reload.ts'
import { secretTexts } from './config/secrets.ts'
import { AppError } from './kernel/errors.ts'
import { prepare, type Prepared } from './main/prepare.ts'
import { LAST_WORDS_MS, type Running } from './main/running.ts'
import { lookForEngines } from './compose/engines.ts'
import { greet } from './compose/greeting.ts'

const DRAIN_POLL_MS = 100

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** How this process stands among several; absent: it serves alone. */
export interface Place {
  readonly crew: Crew
  /** The port that the others have already; 0: the configured one. */
  readonly port: number
}

/**
 * Starts everything in order: configuration, storage, house, door.
 * @throws ConfigFaults, FolderInUse and the other refusals of the parts, each in words for an operator.
 */
export const start = async (
  input: ConfigInput,
  overrides: Overrides = {},
  coming: Promise<Prepared> = prepare(input),
  place?: Place,
): Promise<Running> => {
  const { settings, hider, log, storage: opening } = await coming
  const { config } = settings
  let storage: Storage | undefined
  let house: House | undefined
  const release = async () => {
    await house?.stop()
    await storage?.stop()
  }
  try {
    storage = await opening
    const standing = await compose({
      settings,
      read: async (running) => {
        const reloaded = await reloadConfig(input, running)
        hider.add(secretTexts(reloaded.settings.secrets))
        return reloaded
      },
      storage,
      log,
      ...(place && { crew: place.crew }),
      ...overrides,
    })
    house = standing
    const { promise } = storage
    // One of several is greeted for by the first.
    const looking = place === undefined ? lookForEngines(config) : Promise.resolve(null)
    looking.catch(() => undefined)
    const made = await standing.start()
    const port = await standing.server.listen(config.host, place?.port || config.port)
    log.info({ port, pid: process.pid, reason: promise }, place ? 'The worker is ready' : 'Headgate is ready')
    const engines = await looking
    standing.started()

    let stopping: Promise<void> | null = null
    const drain = async (reason: string) => {
      log.info({ reason }, 'Draining')
      standing.beginDraining()
      const { drain_delay_ms, drain_ms } = standing.settings().config.timeouts
      if (drain_delay_ms > 0) await pause(drain_delay_ms)
      const closed = standing.server.close()
      standing.endWaiting()
      const deadline = performance.now() + drain_ms
      while (standing.isBusy() && performance.now() < deadline) await pause(DRAIN_POLL_MS)
      standing.endCalls(new AppError('server_draining'))
      const patience = setTimeout(
        () => standing.server.closeAll(),
        Math.max(LAST_WORDS_MS, deadline - performance.now()),
      )
      await closed
      clearTimeout(patience)
      // The callers have left by now; what they owe may still be counted.
      const settledBy = performance.now() + LAST_WORDS_MS
      while (standing.isBusy() && performance.now() < settledBy) await pause(DRAIN_POLL_MS)
      await release()
      log.info({ reason }, 'Stopped')
      log.flush()
    }
    return {
      port,
      log,
      settled: standing.settled,
      reload: standing.reload,
      made,
      exposeMetrics: standing.exposeMetrics,
      greet: () => greet(config, port, promise, made, { engines }),
      stop: (reason) => (stopping ??= drain(reason)),
      abandon: async () => {
        standing.server.closeAll()
        await storage?.stop()
        log.flush()
      },
    }
  } catch (cause) {
    await release().catch((error: Error) => log.error({ error }, 'Not everything could be released'))
    log.flush()
    throw cause
  }
}
