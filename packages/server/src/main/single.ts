import type { ConfigInput } from '../config/gather.ts'
import { collectGarbage } from '../kernel/memory.ts'
import { start } from '../main.ts'
import { endInOrder, endOnDefects, reloadQuietly } from './ending.ts'
import type { Prepared } from './prepare.ts'
import { isStandingBy } from './standby.ts'
import { takeSignals } from './signals.ts'

/** Serves as the one process. @throws what the start throws. */
export const serveAlone = async (input: ConfigInput, prepared: Promise<Prepared>): Promise<void> => {
  const starting = start(input, {}, prepared)
  const abandon = async () => {
    const running = await starting
    running.log.warn({}, 'The drain is cut short')
    await running.abandon()
    process.exit(1)
  }
  takeSignals({
    // A start that fails is told below.
    drain: (signal) => {
      if (isStandingBy()) process.exit(0)
      void starting.then((running) => endInOrder(running, signal)).catch(() => undefined)
    },
    abandon: () => void abandon().catch(() => process.exit(1)),
    reload: () => void starting.then((running) => reloadQuietly(running, 'signal')).catch(() => undefined),
  })
  const running = await starting
  endOnDefects(running)
  running.greet()
  collectGarbage()
}
