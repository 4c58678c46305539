import type { Kept, RequestRecord } from '../domain/request-record.ts'
import { recordOf } from '../domain/request-record.ts'
import { endOf } from '../domain/stages.ts'
import type { Ending, TraceContext, Walk } from '../domain/walk.ts'
import type { Counted } from '../features/requests/minutes.ts'
import type { Answered } from '../http/ports.ts'

/** Who wants to know of a request that is over. */
interface FollowPorts {
  readonly count: (one: Counted) => void
  readonly keeps: (code: string | null, durationMs: number) => Kept | null
  readonly keep: (record: RequestRecord, kept: Kept) => void
  readonly tellSlow: (walk: Walk, ending: Ending, durationMs: number) => void
  readonly contextOf: (walk: Walk) => TraceContext
  /** null where traces have nowhere to go. */
  readonly exportTrace: ((record: RequestRecord) => void) | null
  /** The bounded name of a target. */
  readonly label: (target: string) => string
}

/** Follows each request to its end: the answer, and where a call was admitted the settlement, whichever comes last. */
export const createFollow = ({ count, keeps, keep, tellSlow, contextOf, exportTrace, label }: FollowPorts) => {
  const finish = (walk: Walk, ending: Ending): void => {
    const { settlement } = walk
    const { route, code, caller } = ending
    const tier = caller?.tier ?? ''
    const durationMs = endOf(walk) - walk.startedAt
    count({
      kind: 'request',
      route,
      tier,
      target: settlement === null ? '' : label(settlement.target),
      code: code ?? '',
      durationMs,
      firstByteMs: settlement?.firstByteMs ?? null,
      inputTokens: settlement?.usage.inputTokens ?? 0,
      outputTokens: settlement?.usage.outputTokens ?? 0,
    })
    for (const { target, startedAt, endedAt, fault } of walk.tries) {
      const tried = { target: label(target), code: fault ?? '', durationMs: endedAt - startedAt }
      count({ kind: 'try', route, tier, ...tried, firstByteMs: null, inputTokens: 0, outputTokens: 0 })
    }
    tellSlow(walk, ending, durationMs)
    const kept = keeps(code, durationMs) ?? (walk.isBodyLogged ? 'body' : null)
    if (kept === null && (exportTrace === null || !contextOf(walk).sampled)) return
    const record = recordOf(walk, ending, contextOf(walk))
    if (kept !== null) keep(record, kept)
    exportTrace?.(record)
  }

  return {
    answered: ({ walk, id, requestId, method, route, status, fault, caller }: Answered): void => {
      if (walk === null) return
      const ending: Ending = { id, requestId, method, route, status, code: fault?.code ?? null, caller }
      if (walk.intent !== null && walk.settlement === null) walk.ending = ending
      else finish(walk, ending)
    },
    settled: (walk: Walk): void => {
      if (walk.ending !== null) finish(walk, walk.ending)
    },
  }
}
