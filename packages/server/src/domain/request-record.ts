import { endOf, slowestOf, type Stage, type StageName, stagesOf } from './stages.ts'
import type { Ending, RecordedVerdict, TraceContext, Walk } from './walk.ts'

/** One try at a provider; milliseconds from the start of the request. */
export interface RecordedTry {
  readonly target: string
  readonly startMs: number
  readonly durationMs: number
  readonly status: number
  readonly fault: string | null
}

/** Why a request is kept. */
export type Kept = 'sample' | 'slow' | 'failed' | 'body'

/** One request that is over, as it is kept and exported. Nothing in it is of a prompt or an answer. */
export interface RequestRecord {
  readonly id: string
  readonly requestId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly route: string
  readonly status: number
  readonly code: string | null
  readonly projectId: string | null
  readonly keyId: string | null
  readonly tier: string | null
  /** The facts of an inference call; null where the body was not read as one. */
  readonly operation: string | null
  readonly askedModel: string | null
  readonly stream: boolean
  /** Of the settlement; null for a request that was not admitted. */
  readonly provider: string | null
  readonly model: string | null
  readonly outcome: string | null
  readonly estimated: boolean | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly costNano: bigint | null
  readonly durationMs: number
  readonly firstByteMs: number | null
  readonly slowest: StageName
  readonly stages: readonly Stage[]
  readonly tries: readonly RecordedTry[]
  readonly verdicts: readonly RecordedVerdict[]
  readonly trace: TraceContext
}

const target = (name: string | undefined): { provider: string | null; model: string | null } => {
  if (name === undefined) return { provider: null, model: null }
  const slash = name.indexOf('/')
  return { provider: name.slice(0, slash), model: name.slice(slash + 1) }
}

/** Microseconds say all there is; more digits only fill the store. */
const rounded = (milliseconds: number): number => Math.round(milliseconds * 1_000) / 1_000

/** Writes down a request that is over. */
export const recordOf = (walk: Walk, ending: Ending, trace: TraceContext): RequestRecord => {
  const { settlement } = walk
  const stages = stagesOf(walk).map(({ name, startMs, durationMs }) => ({
    name,
    startMs: rounded(startMs),
    durationMs: rounded(durationMs),
  }))
  return {
    id: ending.id,
    requestId: ending.requestId,
    at: walk.at,
    method: ending.method,
    route: ending.route,
    status: ending.status,
    code: ending.code,
    projectId: ending.caller?.projectId ?? null,
    keyId: ending.caller?.keyId ?? null,
    tier: ending.caller?.tier ?? null,
    operation: walk.operation,
    askedModel: walk.model === '' ? null : walk.model,
    stream: walk.stream,
    ...target(settlement?.target),
    outcome: settlement?.outcome ?? null,
    estimated: settlement?.estimated ?? null,
    inputTokens: settlement?.usage.inputTokens ?? null,
    outputTokens: settlement?.usage.outputTokens ?? null,
    costNano: settlement?.cost ?? null,
    durationMs: rounded(endOf(walk) - walk.startedAt),
    firstByteMs: settlement?.firstByteMs ?? null,
    slowest: slowestOf(stages),
    stages,
    tries: walk.tries.map(({ startedAt, endedAt, ...rest }) => ({
      ...rest,
      startMs: rounded(startedAt - walk.startedAt),
      durationMs: rounded(endedAt - startedAt),
    })),
    verdicts: walk.verdicts,
    trace,
  }
}
