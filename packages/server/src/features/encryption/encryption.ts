import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { encryptionRoutes } from './encryption.routes.ts'
import { createEncryptionService, type EncryptionPorts, type EncryptionService } from './encryption.service.ts'

interface EncryptionOptions extends EncryptionPorts {
  readonly clock: Clock
  readonly log: Log
}

/** How long a rotation that was broken off waits for another replica. */
const LOOK_MS = 30_000
const SOON_MS = 1_000

/** The keys under which everything is sealed: what operators see of them, and the rewrapping of data keys after a rotation. */
export const createEncryption = ({
  clock,
  log,
  ...ports
}: EncryptionOptions): Feature & { service: EncryptionService } => {
  const service = createEncryptionService(ports)
  let working: Promise<void> | null = null
  let timer: Timer | null = null
  let ending = false

  const work = async (): Promise<void> => {
    const { rewrapped, isLeft } = await service.rewrap(() => {
      if (ending) throw new Error('The process ends')
    })
    if (rewrapped > 0) log.info({ component: 'encryption', count: rewrapped }, 'Data keys were rewrapped')
    // What was in use was left out, or another replica is at it and may end.
    if (isLeft) clock.after(SOON_MS, look)
  }
  const look = (): void => {
    if (ending) return
    working ??= work()
      .catch((error: Error) => {
        if (!ending) log.warn({ component: 'encryption', error }, 'Data keys could not be rewrapped')
      })
      .finally(() => {
        working = null
      })
  }

  return {
    name: 'encryption',
    service,
    routes: encryptionRoutes(service, look),
    start: () => {
      look()
      timer = clock.every(LOOK_MS, look)
    },
    stop: async () => {
      ending = true
      timer?.cancel()
      await working
    },
  }
}
