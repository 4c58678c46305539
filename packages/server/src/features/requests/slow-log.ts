import type { Objective } from '../../domain/objective.ts'
import { type Stage, stagesOf } from '../../domain/stages.ts'
import type { Ending, Walk } from '../../domain/walk.ts'
import type { Log } from '../../kernel/log.ts'
import { createBucket } from './keeping.ts'

/** From when on a request is slow, in milliseconds; 0: it is not judged by that. */
export interface SlowLimits {
  /** Our own part. */
  readonly overheadMs: number
  /** First byte of a stream. */
  readonly firstByteMs: number
  /** Whole answer that is no stream. */
  readonly durationMs: number
  /** Most lines per minute. */
  readonly perMinute: number
  readonly objectives: Readonly<Record<string, Objective>>
}

/** By what a request was slow. */
export type SlowCause = 'overhead' | 'first_byte' | 'duration'

export interface SlowLogPorts {
  readonly log: Log
  readonly monotonic: () => number
  readonly onSlow: (route: string, cause: SlowCause) => void
}

interface Limit {
  readonly ms: number
  /** Where it stands. */
  readonly from: string
}

/** Stages that are our own work. `receive` is the caller's, `queue` a wait, `relay` the provider's, `respond` the reader's. */
const own: ReadonlySet<string> = new Set(['identify', 'read', 'route', 'admit', 'settle', 'handle'])

const never: Limit = { ms: Number.POSITIVE_INFINITY, from: '' }
const tighter = (one: Limit, other: Limit): Limit => (other.ms < one.ms ? other : one)
const stated = (ms: number, from: string): Limit => (ms === 0 ? never : { ms, from })
const rounded = (milliseconds: number): number => Math.round(milliseconds * 10) / 10

const limitsOf = (limits: SlowLimits, route: string) => {
  const promised = (measure: Objective['measure']): Limit =>
    Object.entries(limits.objectives)
      .filter(([, one]) => one.measure === measure && (one.route === undefined || one.route === route))
      .map(([name, one]): Limit => ({ ms: one.within_ms ?? never.ms, from: `objective ${name}` }))
      .reduce(tighter, never)
  return {
    firstByte: tighter(promised('first_byte'), stated(limits.firstByteMs, 'slow_log.first_byte_ms')),
    duration: tighter(promised('duration'), stated(limits.durationMs, 'slow_log.duration_ms')),
  }
}

/** The least that anything is judged by: what is quicker is not looked at. */
const leastOf = ({ overheadMs, firstByteMs, durationMs, objectives }: SlowLimits): number =>
  Math.min(
    ...[overheadMs, firstByteMs, durationMs].map((ms) => ms || Number.POSITIVE_INFINITY),
    ...Object.values(objectives).map(({ within_ms }) => within_ms ?? Number.POSITIVE_INFINITY),
  )

/** Where the time went: our own part, and that of providers. */
const partsOf = (walk: Walk, stages: readonly Stage[]) => {
  const upstreamMs = walk.tries.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0)
  const waitedInQueue = stages.find(({ name }) => name === 'queue')?.durationMs ?? 0
  let overheadMs = 0
  for (const { name, durationMs } of stages) {
    if (own.has(name)) overheadMs += durationMs
    // What of the call was neither a try nor a wait for a further place.
    if (name === 'call') overheadMs += Math.max(0, durationMs - upstreamMs - Math.max(0, walk.queuedMs - waitedInQueue))
  }
  return { upstreamMs, overheadMs }
}

/**
 * Writes a line for each request that took longer than it may, with its stages and nothing of its contents; so many per minute, the next line
 * tells how many went untold. A stream is judged by its first byte and our own part, never by its length.
 */
export const createSlowLog = (limits: SlowLimits, { log, monotonic, onSlow }: SlowLogPorts) => {
  const least = leastOf(limits)
  const mayWrite = createBucket(limits.perMinute, limits.perMinute)
  const byRoute = new Map<string, ReturnType<typeof limitsOf>>()
  let untold = 0

  const look = (walk: Walk, { id, requestId, route, status, code }: Ending, durationMs: number): void => {
    let known = byRoute.get(route)
    if (known === undefined) byRoute.set(route, (known = limitsOf(limits, route)))
    const stages = stagesOf(walk)
    const { overheadMs, upstreamMs } = partsOf(walk, stages)
    const firstByteMs = walk.settlement?.firstByteMs ?? null
    const reasons: string[] = []
    const judge = (cause: SlowCause, taken: number | null, limit: Limit): void => {
      if (taken === null || taken < limit.ms) return
      onSlow(route, cause)
      reasons.push(`${cause} ${Math.round(taken)} ms, ${limit.from} is ${limit.ms}`)
    }
    judge('overhead', overheadMs, stated(limits.overheadMs, 'slow_log.overhead_ms'))
    // What failed is told as a failure; how late that was says nothing of how quick we are.
    if (code === null && walk.stream) judge('first_byte', firstByteMs, known.firstByte)
    if (code === null && !walk.stream) judge('duration', durationMs, known.duration)
    if (reasons.length === 0) return
    if (!mayWrite(monotonic())) {
      untold++
      return
    }
    const { settlement } = walk
    log.warn(
      {
        component: 'requests',
        request_id: requestId,
        ...(id !== requestId && { id }),
        route,
        status,
        ...(settlement !== null && { model: settlement.target, attempts: walk.tries.length }),
        reason: reasons.join('; '),
        duration_ms: rounded(durationMs),
        ...(firstByteMs !== null && { first_byte_ms: rounded(firstByteMs) }),
        overhead_ms: rounded(overheadMs),
        upstream_ms: rounded(upstreamMs),
        queue_ms: rounded(walk.queuedMs),
        stages: Object.fromEntries(stages.map((stage) => [stage.name, rounded(stage.durationMs)])),
        ...(untold > 0 && { count: untold }),
      },
      'A request was slow',
    )
    untold = 0
  }

  return (walk: Walk, ending: Ending, durationMs: number): void => {
    if (durationMs >= least) look(walk, ending, durationMs)
  }
}
