import { formatUsd } from './money.ts'
import type { RecordedTry, RequestRecord } from './request-record.ts'
import { attribute } from './semantic-conventions.ts'
import { type Stage, stageNames } from './stages.ts'

export type AttributeValue = string | number | boolean

/** One span of a request; milliseconds from its start. */
export interface Span {
  readonly spanId: string
  /** null for the root of a trace that begins here. */
  readonly parentId: string | null
  readonly name: string
  readonly kind: 'server' | 'client' | 'internal'
  readonly startMs: number
  readonly durationMs: number
  /** Catalogue code of the fault; null when all went well. */
  readonly fault: string | null
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly events: readonly { readonly name: string; readonly atMs: number }[]
}

/** Places of a span's id below its root (kernel/trace-context.ts): the same span always gets the same. */
const FIRST_STAGE = 0x10
const FIRST_TRY = 0x100

const idAt = (rootSpanId: string, place: number): string =>
  rootSpanId.slice(0, 12) + place.toString(16).padStart(4, '0')

/** The id of the span of a try, known before it is made, so that the provider’s own spans can stand under it. */
export const spanIdOfTry = (rootSpanId: string, index: number): string => idAt(rootSpanId, FIRST_TRY + index)

const present = (attributes: Readonly<Record<string, AttributeValue | null>>): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(attributes).filter((entry): entry is [string, AttributeValue] => entry[1] !== null))

const rootSpan = (record: RequestRecord): Span => ({
  spanId: record.trace.spanId,
  parentId: record.trace.parentId,
  name: `${record.method} ${record.route}`,
  kind: 'server',
  startMs: 0,
  durationMs: record.durationMs,
  fault: record.code,
  attributes: present({
    [attribute.httpMethod]: record.method,
    [attribute.httpRoute]: record.route,
    [attribute.httpStatus]: record.status,
    [attribute.errorType]: record.code,
    [attribute.callId]: record.id,
    [attribute.requestId]: record.requestId,
    [attribute.project]: record.projectId,
    [attribute.keyId]: record.keyId,
    [attribute.tier]: record.tier,
    [attribute.genAiOperation]: record.operation,
    [attribute.genAiProvider]: record.provider,
    [attribute.genAiRequestModel]: record.askedModel,
    [attribute.genAiResponseModel]: record.model,
    [attribute.genAiInputTokens]: record.inputTokens,
    [attribute.genAiOutputTokens]: record.outputTokens,
    [attribute.stream]: record.operation === null ? null : record.stream,
    [attribute.outcome]: record.outcome,
    [attribute.costUsd]: record.costNano === null ? null : formatUsd(record.costNano),
  }),
  events: record.firstByteMs === null ? [] : [{ name: 'first byte', atMs: record.firstByteMs }],
})

/** The stage of the fault is the last that was reached but for those that tidy up after it. */
const stageOfFault = (record: RequestRecord): Stage | undefined =>
  record.code === null ? undefined : record.stages.findLast(({ name }) => name !== 'settle' && name !== 'respond')

const stageSpan = (record: RequestRecord, stage: Stage, fault: string | null): Span => ({
  spanId: idAt(record.trace.spanId, FIRST_STAGE + stageNames.indexOf(stage.name)),
  parentId: record.trace.spanId,
  name: stage.name,
  kind: 'internal',
  startMs: stage.startMs,
  durationMs: stage.durationMs,
  fault,
  attributes: present({ [attribute.stage]: stage.name, [attribute.errorType]: fault }),
  events: [],
})

const trySpan = (record: RequestRecord, one: RecordedTry, index: number): Span => {
  const slash = one.target.indexOf('/')
  const model = one.target.slice(slash + 1)
  const answered = one.fault === null && record.outcome !== null
  return {
    spanId: spanIdOfTry(record.trace.spanId, index),
    parentId: idAt(record.trace.spanId, FIRST_STAGE + stageNames.indexOf('call')),
    name: `${record.operation ?? 'chat'} ${model}`,
    kind: 'client',
    startMs: one.startMs,
    durationMs: one.durationMs,
    fault: one.fault,
    attributes: present({
      [attribute.genAiOperation]: record.operation,
      [attribute.genAiProvider]: one.target.slice(0, slash),
      [attribute.genAiRequestModel]: model,
      [attribute.httpStatus]: one.status === 0 ? null : one.status,
      [attribute.errorType]: one.fault,
      [attribute.resendCount]: index === 0 ? null : index,
      [attribute.genAiInputTokens]: answered ? record.inputTokens : null,
      [attribute.genAiOutputTokens]: answered ? record.outputTokens : null,
    }),
    events: [],
  }
}

/** The spans of a request: the request itself, one per stage below it, and under the call one per try at a provider. */
export const spansOf = (record: RequestRecord): Span[] => {
  const failed = stageOfFault(record)
  return [
    rootSpan(record),
    ...record.stages.map((stage) => stageSpan(record, stage, stage === failed ? record.code : null)),
    ...record.tries.map((one, index) => trySpan(record, one, index)),
  ]
}
