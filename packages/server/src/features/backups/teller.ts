import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BackupEvent } from './backups.ports.ts'

/** What lasts is told again. */
const AGAIN_MS = 86_400_000

/** Tells of what is wrong when it begins and once a day while it lasts, and logs when it is over. */
export const createTeller = ({
  clock,
  log,
  tell,
}: {
  readonly clock: Clock
  readonly log: Log
  readonly tell: (event: BackupEvent) => void
}) => {
  const toldAt = new Map<string, number>()
  const standing = new Map<string, string>()
  return {
    /** `summary` null: nothing is wrong. */
    judge: (name: string, summary: string | null, figures: Omit<BackupEvent, 'name' | 'summary'>): void => {
      if (summary === null) {
        if (toldAt.delete(name)) log.info({ component: 'backups' }, `${name} is over`)
        standing.delete(name)
        return
      }
      standing.set(name, summary)
      const at = toldAt.get(name)
      if (at !== undefined && clock.now() - at < AGAIN_MS) return
      toldAt.set(name, clock.now())
      log.error({ component: 'backups', reason: summary }, `Backups need a look: ${name}`)
      tell({ name, summary, ...figures })
    },
    /** What is wrong now, in words. */
    wrong: (): string[] => [...standing.values()],
  }
}
