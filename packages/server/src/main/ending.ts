import { AppError } from '../kernel/errors.ts'
import { LAST_WORDS_MS, type Running } from './running.ts'

/** An error that nothing caught leaves the process in an unknown state: one line says so, the journal keeps the accounts. */
export const endOnDefects = (running: Running): void => {
  process.on('uncaughtException', (error, origin) => {
    running.log.error({ error, reason: origin }, 'Ending: nothing caught an error')
    const leave = () => process.exit(1)
    setTimeout(leave, LAST_WORDS_MS)
    running.abandon().then(leave, leave)
  })
}

/** Drains and ends; what fails on the way is logged and told by the exit status. */
export const endInOrder = async (running: Running, reason: string): Promise<void> => {
  try {
    await running.stop(reason)
  } catch (cause) {
    running.log.error({ error: cause as Error }, 'Stopping failed')
    running.log.flush()
    process.exitCode = 1
  }
}

/** Reloads the configuration; what is wrong with it is told by the reload itself. False: nothing changed. */
export const reloadQuietly = async (running: Running, actor: string, isRecorded = false): Promise<boolean> => {
  try {
    await running.reload({ actor }, isRecorded)
    return true
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'config_invalid'))
      running.log.error({ error }, 'The configuration could not be reloaded')
    return false
  }
}
