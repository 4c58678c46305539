import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { MemoryUse } from '../../kernel/pressure.ts'
import type { ReliefPorts } from './guards.ports.ts'

/** How far it has come: `relieving` when memory was given back on top of refusing the cheapest work. */
export type Stage = 'calm' | 'shedding' | 'relieving'

const LOOK_EVERY_MS = 500
/** A full collection holds the loop up: not more often than this. */
const MEASURES_EVERY_MS = 60_000
/** Whether the measures have helped is judged after this long. */
const JUDGED_AFTER_MS = 10_000
/** Calm for this long, an episode is over; before, it is the same one and says nothing new. */
const OVER_AFTER_MS = 30_000
const MEBIBYTE = 1_048_576

const mebibytes = (bytes: number): string => String(Math.round(bytes / MEBIBYTE))

/** Where memory stands, for a line of the log. */
export const describeUse = ({ heap, heapLimit, resident, counted, limit }: MemoryUse): string =>
  `heap ${mebibytes(heap)} of ${mebibytes(heapLimit)} MiB, resident ${mebibytes(resident)} MiB` +
  (limit === null ? '' : `, counted ${mebibytes(counted)} of ${mebibytes(limit)} MiB`)

interface Episode {
  readonly since: number
  readonly refusedBefore: number
  calmSince: number | null
  /** When memory was first given back. */
  relievedAt: number | null
  isJudged: boolean
}

/**
 * Follows the pressure through its stages and tells each once per episode: refusing (warn), memory given back (warn), still
 * short of it (error), over (info). Refusing itself is admission's; this gives memory back when that does not suffice.
 */
export const createRelief = (clock: Clock, log: Log, ports: ReliefPorts) => {
  let episode: Episode | null = null
  let measuredAt = Number.NEGATIVE_INFINITY

  const fields = { component: 'house' } as const

  const relieve = (now: number): void => {
    measuredAt = now
    ports.letGo()
    ports.onRelief('idle parts')
    const before = ports.use()
    ports.collect()
    ports.onRelief('garbage')
    if (!episode || episode.relievedAt !== null) return
    episode.relievedAt = now
    log.warn({ ...fields, reason: describeUse(before) }, 'Memory is short: idle parts and garbage are given back')
  }

  const timer = clock.every(LOOK_EVERY_MS, () => {
    const { severity, cause, memorySeverity, loopDelayMs } = ports.pressure()
    const now = clock.monotonic()
    if (severity < 1) {
      if (episode === null) return
      episode.calmSince ??= now
      if (now - episode.calmSince < OVER_AFTER_MS) return
      const duration_ms = Math.round(episode.calmSince - episode.since)
      const count = ports.refused() - episode.refusedBefore
      log.info({ ...fields, duration_ms, count }, 'The process bears its work again; calls were refused meanwhile')
      episode = null
      return
    }
    if (episode === null) {
      episode = {
        since: now,
        refusedBefore: ports.refused(),
        calmSince: null,
        relievedAt: null,
        isJudged: false,
      }
      const delay = cause === 'event loop' ? `event loop ${Math.round(loopDelayMs)} ms late, ` : ''
      const reason = `${cause}: ${delay}${describeUse(ports.use())}`
      log.warn({ ...fields, reason }, 'The process has as much as it can bear: the cheapest work is refused')
      ports.tell({
        name: 'process/overload',
        severity: 'ticket',
        summary: `The cheapest work is refused; ${reason}.`,
        value: severity,
        threshold: 1,
      })
    }
    episode.calmSince = null
    if (memorySeverity < ports.reliefAt()) return
    if (now - measuredAt >= MEASURES_EVERY_MS) relieve(now)
    else if (episode.relievedAt !== null && !episode.isJudged && now - episode.relievedAt >= JUDGED_AFTER_MS) {
      episode.isJudged = true
      const reason = describeUse(ports.use())
      log.error(
        { ...fields, reason },
        'Memory stays short although it was given back: add memory or replicas, or look for a leak',
      )
      ports.tell({
        name: 'process/memory',
        severity: 'page',
        summary: `Memory stays short although it was given back; ${reason}.`,
        value: memorySeverity,
        threshold: ports.reliefAt(),
      })
    }
  })

  return {
    /** How far it has come, and since when; monotonic milliseconds. */
    stage: (): { readonly stage: Stage; readonly since: number | null } => {
      if (episode === null || episode.calmSince !== null) return { stage: 'calm', since: null }
      const isRelieving = episode.relievedAt !== null && ports.pressure().memorySeverity >= ports.reliefAt()
      return { stage: isRelieving ? 'relieving' : 'shedding', since: episode.since }
    },
    stop: (): void => timer.cancel(),
  }
}
