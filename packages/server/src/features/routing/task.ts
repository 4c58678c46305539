import { estimateInput } from '../../domain/input-estimate.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'

/** Kinds of work for which the quality of models is told apart. */
export const taskKinds = ['chat', 'code', 'vision', 'tools', 'long'] as const
export type TaskKind = (typeof taskKinds)[number]

/** What a request needs of a model. */
export interface Task {
  readonly operation: Operation
  readonly kind: TaskKind
  readonly isStream: boolean
  readonly inputTokens: number
  /** Room that the answer may take. */
  readonly outputTokens: number
  readonly hasImages: boolean
  readonly hasAudio: boolean
  readonly hasTools: boolean
}

/** Where the caller names no cap. */
const USUAL_OUTPUT = 512
/** From here on a prompt counts as long. */
const LONG_TOKENS = 32_000
/** Enough of a prompt to see whether it is about code; more is not looked at. */
const SEEN_BYTES = 8_192

const code =
  /```|\b(function|class|def|import|const|SELECT|refactor|debug|compile|stack ?trace|unit test|regex|TypeScript|JavaScript|Python|Rust|SQL)\b/

/** Reads what a request needs, by its bytes, without parsing it. */
export const taskOf = (request: InferenceRequest): Task => {
  const { body, members, operation } = request
  const hasImages = body.includes('"image_url"')
  const hasTools = members.has('tools')
  const inputTokens = estimateInput(request)
  const seen = body.toString('utf8', Math.max(0, body.length - SEEN_BYTES))
  let kind: TaskKind = 'chat'
  if (hasImages) kind = 'vision'
  else if (inputTokens > LONG_TOKENS) kind = 'long'
  else if (hasTools) kind = 'tools'
  else if (code.test(seen)) kind = 'code'
  return {
    operation,
    kind,
    isStream: request.stream,
    inputTokens,
    outputTokens: (request.maxOutputTokens ?? USUAL_OUTPUT) * request.choices,
    hasImages,
    hasAudio: body.includes('"input_audio"'),
    hasTools,
  }
}
