import { readFileSync } from 'node:fs'
import { compose, type Overrides } from './compose.ts'
import { openStorage } from './compose/storage.ts'
import { type ConfigInput, loadConfig } from './config/config.ts'
import type { Config } from './config/schema.ts'
import { AppError } from './kernel/errors.ts'
import { createLog, type Log } from './kernel/log.ts'
import { releaseStartMemory } from './kernel/memory.ts'
import { greet } from './compose/greeting.ts'

const DRAIN_POLL_MS = 100

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

const readTls = (config: Config) =>
  config.tls && { cert: readFileSync(config.tls.cert), key: readFileSync(config.tls.key) }

/** A running Headgate. */
export interface Running {
  readonly port: number
  readonly log: Log
  /** Resolves when every settled call is in PostgreSQL. */
  readonly settled: () => Promise<void>
  /** Prints where it listens and, on a first start, the keys that were made. */
  readonly greet: () => void
  /** Drains and releases everything; resolves when nothing is left. */
  readonly stop: (reason: string) => Promise<void>
}

/**
 * Starts everything in order: configuration, storage, house, door.
 * @throws ConfigFaults, FolderInUse and the other refusals of the parts, each in words for an operator.
 */
export const start = async (input: ConfigInput, overrides: Overrides = {}): Promise<Running> => {
  const { config, secrets } = await loadConfig(input)
  const log = createLog(config.log.level)
  const storage = await openStorage(config, secrets, log)
  try {
    const house = await compose({ config, secrets, storage, log, tls: readTls(config), ...overrides })
    const made = await house.start()
    const port = await house.server.listen(config.host, config.port)
    log.info({ port, pid: process.pid, reason: storage.promise }, 'Headgate is ready')
    house.started()

    let stopping: Promise<void> | null = null
    const drain = async (reason: string) => {
      log.info({ reason }, 'Draining')
      house.beginDraining()
      if (config.timeouts.drain_delay_ms > 0) await pause(config.timeouts.drain_delay_ms)
      const closed = house.server.close()
      const deadline = performance.now() + config.timeouts.drain_ms
      while (house.openStreams() > 0 && performance.now() < deadline) await pause(DRAIN_POLL_MS)
      house.endStreams(new AppError('server_draining'))
      const patience = setTimeout(() => house.server.closeAll(), Math.max(1_000, deadline - performance.now()))
      await closed
      clearTimeout(patience)
      await house.stop()
      await storage.stop()
      log.info({ reason }, 'Stopped')
      log.flush()
    }
    return {
      port,
      log,
      settled: house.settled,
      greet: () => greet(config, port, storage.promise, made),
      stop: (reason) => (stopping ??= drain(reason)),
    }
  } catch (cause) {
    await storage.stop()
    throw cause
  }
}

/** Runs until SIGTERM or SIGINT, then drains. A second signal cuts the drain short. */
export const serve = async (flags: Partial<Record<string, string>>): Promise<void> => {
  const running = await start({ flags })
  running.greet()
  releaseStartMemory()
  const onSignal = (signal: NodeJS.Signals) => {
    process.once(signal, () => process.exit(1))
    running.stop(signal).catch((cause: unknown) => {
      running.log.error({ error: cause as Error }, 'Stopping failed')
      process.exitCode = 1
    })
  }
  process.once('SIGTERM', onSignal)
  process.once('SIGINT', onSignal)
}
