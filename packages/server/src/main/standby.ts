import type { Settings } from '../config/config.ts'
import { openStandbyDoor } from '../http/standby-door.ts'
import { FolderInUse } from '../kernel/embedded-lock.ts'
import type { ProcessLog } from '../kernel/log.ts'

/** How often a process that stands by looks whether the folder is free. */
const LOOK_EVERY_MS = 100

/** Whether this process waits for another to go: it then holds nothing, and a signal may end it at once. */
let waiting = false
export const isStandingBy = (): boolean => waiting

/**
 * Opens the store as soon as the process that has the data folder is gone, however it went: the lock is freed by the operating system.
 * Until then the port, where it is free, tells that this process stands by. @throws what opening throws but FolderInUse.
 */
export const openWhenFree = async <T>(
  { config, tls }: Settings,
  log: ProcessLog,
  open: () => Promise<T>,
): Promise<T> => {
  let close: Awaited<ReturnType<typeof openStandbyDoor>> = null
  try {
    for (;;) {
      try {
        waiting = false
        return await open()
      } catch (cause) {
        if (!(cause instanceof FolderInUse)) throw cause
        waiting = true
        if (close === null) {
          close = await openStandbyDoor(config.host, config.port, tls)
          const reason = close === null ? 'the port is in use' : 'the port tells that it is not ready'
          log.info({ pid: cause.pid, reason }, 'Standing by')
          close ??= () => Promise.resolve()
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      }
    }
  } finally {
    waiting = false
    if (close !== null) {
      log.info({}, 'Taking over')
      await close()
    }
  }
}
