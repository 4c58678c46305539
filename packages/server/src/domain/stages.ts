import type { Walk } from './walk.ts'

/** What a request passes, in this order; `handle` stands for all that follows on a route that makes no call. */
export const stageNames = [
  'identify',
  'receive',
  'read',
  'route',
  'admit',
  'queue',
  'call',
  'relay',
  'settle',
  'respond',
  'handle',
] as const
export type StageName = (typeof stageNames)[number]

/** One stage: milliseconds from the start of the request, and how long it took. */
export interface Stage {
  readonly name: StageName
  readonly startMs: number
  readonly durationMs: number
}

/** The end of a walk: the answer, or the settlement where that came later, as with a caller who leaves. */
export const endOf = (walk: Walk): number => Math.max(walk.endedAt, walk.settledAt)

/** The stages that were reached; the one in which the walk failed lasts to its end. */
export const stagesOf = (walk: Walk): Stage[] => {
  const end = endOf(walk)
  const stages: Stage[] = []
  let from = walk.startedAt
  const pass = (name: StageName, until: number): boolean => {
    const to = until === 0 ? end : until
    stages.push({ name, startMs: from - walk.startedAt, durationMs: Math.max(0, to - from) })
    from = to
    return until !== 0
  }
  const reached = pass('identify', walk.identifiedAt) && pass('receive', walk.receivedAt)
  if (!reached) return stages
  if (walk.operation === null) {
    pass('handle', 0)
    return stages
  }
  const called =
    pass('read', walk.readAt) &&
    pass('route', walk.routedAt) &&
    pass('admit', walk.admittedAt) &&
    (walk.queuedAt === 0 || pass('queue', walk.queuedAt)) &&
    pass('call', walk.answeredAt || walk.settlingAt)
  if (!called) return stages
  if (walk.stream && walk.answeredAt !== 0) pass('relay', walk.settlingAt)
  if (pass('settle', walk.settledAt)) pass('respond', end)
  return stages
}

/** The stage that took longest. */
export const slowestOf = (stages: readonly Stage[]): StageName =>
  stages.reduce((slowest, stage) => (stage.durationMs > slowest.durationMs ? stage : slowest)).name
