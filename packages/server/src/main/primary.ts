import { lookForEngines } from '../compose/engines.ts'
import { greet } from '../compose/greeting.ts'
import { openGround } from '../compose/storage.ts'
import { exitCode } from '../cli/exit-codes.ts'
import type { Settings } from '../config/config.ts'
import { secretTexts } from '../config/secrets.ts'
import { countersKind } from '../kernel/counters.open.ts'
import { createSecretHider } from '../kernel/hide-secrets.ts'
import { createLog, createOutput } from '../kernel/log.ts'
import { collectGarbage } from '../kernel/memory.ts'
import { isStandingBy, openWhenFree } from './standby.ts'
import { takeSignals } from './signals.ts'
import { createWorkers } from './workers.ts'

/**
 * Owns the data folder and the store, and looks after `size` workers that serve on one port. Ends with the status `workersFailed` when
 * workers end again and again.
 * @throws what kept the store or the first worker from starting.
 */
export const serveAsPrimary = async (settings: Settings, size: number): Promise<void> => {
  const { config, secrets } = settings
  const hider = createSecretHider()
  hider.add(secretTexts(secrets))
  const output = createOutput()
  const log = createLog(config.log.level, output, hider.hide)

  const open = () => openGround(config, secrets, log, size)
  const opening = config.standby ? openWhenFree(settings, log, open) : open()
  const starting = opening.then((ground) => {
    const kind = countersKind(config.counters, secrets.redis_url !== undefined, secrets.database_url !== undefined)
    const workers = createWorkers({
      size,
      ground,
      counts: kind === 'memory',
      log,
      output,
      onFailed: (cause) => {
        process.stderr.write(`headgate: ${cause.message}\n`)
        void end(workers.drain(cause.message), exitCode.workersFailed)
      },
    })
    const end = async (ended: Promise<boolean>, status: number): Promise<void> => {
      const isClean = await ended
      await ground.stop()
      log.info({}, 'Stopped')
      log.flush()
      process.exitCode = isClean ? status : status || exitCode.failed
    }
    return { ground, workers, end }
  })

  let ending: Promise<void> | null = null
  takeSignals({
    drain: (signal) => {
      if (isStandingBy()) process.exit(0)
      // A start that fails is told below.
      ending ??= starting.then(({ workers, end }) => {
        log.info({ reason: signal }, 'Draining')
        return end(workers.drain(signal), exitCode.done)
      })
      ending.catch(() => undefined)
    },
    abandon: () => {
      log.warn({}, 'The drain is cut short')
      starting.then(({ workers, end }) => end(workers.abandon(), exitCode.failed)).catch(() => process.exit(1))
    },
    reload: () => void starting.then(({ workers }) => workers.reload('signal')).catch(() => undefined),
  })

  const { ground, workers } = await starting
  try {
    const { port, made } = await workers.begin()
    log.info({ port, pid: process.pid, count: size, reason: ground.promise }, 'Headgate is ready')
    greet(config, port, ground.promise, made, { workers: size, engines: await lookForEngines(config) })
    collectGarbage()
  } catch (cause) {
    await workers.drain('failed')
    await ground.stop()
    log.flush()
    throw cause
  }
}
