import type { Clock } from '../../kernel/clock.ts'

/** How one part was warmed. */
export interface WarmedPart {
  readonly state: 'ok' | 'failed'
  /** Connections or caches that stand. */
  readonly count: number
  readonly durationMs: number
}

/** What was warmed, and how long ago. */
export interface WarmReport {
  readonly parts: Readonly<Record<string, WarmedPart>>
  readonly ageMs: number
}

/** Opens connections and fills caches of one part; resolves to how many stand. */
export type Warm = () => Promise<number>

/** Anyone may ask: providers and PostgreSQL hear of it no more often than this. */
const EVERY_MS = 10_000

/** Warms all parts at once, one round at a time; who asks soon after a round is told of that one. */
export const createWarming = (clock: Clock, parts: Readonly<Record<string, Warm>>) => {
  let round: Promise<WarmReport['parts']> | null = null
  let endedAt = Number.NEGATIVE_INFINITY

  const warmOne = async (warm: Warm): Promise<WarmedPart> => {
    const from = clock.monotonic()
    const told = (state: WarmedPart['state'], count: number): WarmedPart => ({
      state,
      count,
      durationMs: Math.round(clock.monotonic() - from),
    })
    return warm().then(
      (count) => told('ok', count),
      () => told('failed', 0),
    )
  }
  const warmAll = async (): Promise<WarmReport['parts']> => {
    const entries = Object.entries(parts).map(async ([name, warm]) => [name, await warmOne(warm)] as const)
    const report = Object.fromEntries(await Promise.all(entries))
    endedAt = clock.monotonic()
    return report
  }

  return async (): Promise<WarmReport> => {
    if (round === null || clock.monotonic() - endedAt >= EVERY_MS) {
      endedAt = Number.POSITIVE_INFINITY
      round = warmAll()
    }
    return { parts: await round, ageMs: Math.max(0, Math.round(clock.monotonic() - endedAt)) }
  }
}
