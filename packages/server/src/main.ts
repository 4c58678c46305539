import { compose } from './compose.ts'
import type { House, Overrides } from './compose/house.ts'
import { openStorage, type Storage } from './compose/storage.ts'
import { loadConfig } from './config/config.ts'
import type { ConfigInput } from './config/gather.ts'
import { reloadConfig } from './config/reload.ts'
import { secretTexts } from './config/secrets.ts'
import { AppError } from './kernel/errors.ts'
import { createSecretHider } from './kernel/hide-secrets.ts'
import { createLog, type ProcessLog } from './kernel/log.ts'
import { collectGarbage } from './kernel/memory.ts'
import { greet } from './compose/greeting.ts'

const DRAIN_POLL_MS = 100
const SAME_SIGNAL_MS = 1_000
/** After the drain window: for settling the calls that were ended, and for their callers to read it. */
const LAST_WORDS_MS = 4_000

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/** A running Headgate. */
export interface Running {
  readonly port: number
  readonly log: ProcessLog
  /** Resolves when every settled call is in PostgreSQL. */
  readonly settled: () => Promise<void>
  /** Takes over a changed configuration while calls run. @throws AppError `config_invalid`. */
  readonly reload: House['reload']
  /** Prints where it listens and, on a first start, the keys that were made. */
  readonly greet: () => void
  /** Drains and releases everything; resolves when nothing is left. */
  readonly stop: (reason: string) => Promise<void>
  /** Cuts what is open and leaves the rest to the next start; the embedded PostgreSQL still ends with it. */
  readonly abandon: () => Promise<void>
}

/**
 * Starts everything in order: configuration, storage, house, door.
 * @throws ConfigFaults, FolderInUse and the other refusals of the parts, each in words for an operator.
 */
export const start = async (input: ConfigInput, overrides: Overrides = {}): Promise<Running> => {
  const settings = await loadConfig(input)
  const { config, secrets } = settings
  const hider = createSecretHider()
  hider.add(secretTexts(secrets))
  const log = createLog(config.log.level, undefined, hider.hide)
  let storage: Storage | undefined
  let house: House | undefined
  const release = async () => {
    await house?.stop()
    await storage?.stop()
  }
  try {
    storage = await openStorage(config, secrets, log)
    const standing = await compose({
      settings,
      read: async (running) => {
        const reloaded = await reloadConfig(input, running)
        hider.add(secretTexts(reloaded.settings.secrets))
        return reloaded
      },
      storage,
      log,
      ...overrides,
    })
    house = standing
    const { promise } = storage
    const made = await standing.start()
    const port = await standing.server.listen(config.host, config.port)
    log.info({ port, pid: process.pid, reason: promise }, 'Headgate is ready')
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
      greet: () => greet(config, port, promise, made),
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

/** An error that nothing caught leaves the process in an unknown state: one line says so, the journal keeps the accounts. */
const endOnDefects = (running: Running): void => {
  process.on('uncaughtException', (error, origin) => {
    running.log.error({ error, reason: origin }, 'Ending: nothing caught an error')
    const leave = () => process.exit(1)
    setTimeout(leave, LAST_WORDS_MS)
    running.abandon().then(leave, leave)
  })
}

/**
 * Runs until SIGTERM or SIGINT, also while still starting, then drains; SIGHUP reloads the configuration. A second signal cuts the drain short, unless it
 * comes at once: for one Ctrl-C both the terminal and npm send one.
 */
export const serve = async (flags: Partial<Record<string, string>>): Promise<void> => {
  const starting = start({ flags })
  let signalledAt: number | null = null
  const drain = async (signal: NodeJS.Signals) => {
    const running = await starting
    try {
      await running.stop(signal)
    } catch (cause) {
      running.log.error({ error: cause as Error }, 'Stopping failed')
      running.log.flush()
      process.exitCode = 1
    }
  }
  const abandon = async () => {
    const running = await starting
    running.log.warn({}, 'The drain is cut short')
    await running.abandon()
    process.exit(1)
  }
  const onSignal = (signal: NodeJS.Signals) => {
    const now = performance.now()
    // A start that fails is told by serve itself.
    if (signalledAt === null) drain(signal).catch(() => undefined)
    else if (now - signalledAt > SAME_SIGNAL_MS) abandon().catch(() => process.exit(1))
    signalledAt ??= now
  }
  const reload = async () => {
    const running = await starting
    await running.reload({ actor: 'signal' }).catch((error: Error) => {
      // Faults of the configuration are told by the reload itself.
      if (!(error instanceof AppError && error.code === 'config_invalid'))
        running.log.error({ error }, 'The configuration could not be reloaded')
    })
  }
  process.on('SIGHUP', () => void reload().catch(() => undefined))
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  const running = await starting
  endOnDefects(running)
  running.greet()
  // Loading modules grows the young generation to its limit, and V8 keeps it so until memory runs short.
  collectGarbage()
}
