import { type Answer, type ChatBody, answerFor } from './answer.ts'
import { googleDialect } from './dialect.ts'
import { embed } from './embeddings.ts'
import type { Exchange } from './exchange.ts'
import { pixel } from './media.ts'
import { refuse, sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning, splitModel } from './script.ts'
import { type StreamEvent, requireReachableParts, sendStream } from './stream-writer.ts'
import { countPromptTokens, countTokens } from './tokens.ts'
import type { ReportedUsage } from './truth.ts'
import { plainWording } from './words.ts'

interface Part {
  text?: string
  functionCall?: { id?: string; name?: string }
  functionResponse?: { id?: string; name?: string }
}

/** What the upstream reads of a `generateContent` request; `model` and `stream` are told by the address. */
export interface GenerateContentBody {
  model: string
  stream?: boolean
  contents?: Array<{ role?: string; parts?: Part[] }>
  systemInstruction?: { parts?: Part[] }
  tools?: Array<{ functionDeclarations?: Array<{ name?: string; parametersJsonSchema?: unknown }> }>
  toolConfig?: { functionCallingConfig?: { mode?: string; allowedFunctionNames?: string[] } }
  generationConfig?: {
    responseModalities?: string[]
    maxOutputTokens?: number
    responseMimeType?: string
    responseJsonSchema?: unknown
  }
}

/** Members of `GenerateContentRequest` and `GenerationConfig` (ai.google.dev/api/generate-content), as far as a chat needs them. */
const known = new Set(['model', 'stream', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig'])
const knownConfig = new Set([
  'candidateCount',
  'frequencyPenalty',
  'imageConfig',
  'maxOutputTokens',
  'presencePenalty',
  'responseJsonSchema',
  'responseMimeType',
  'responseModalities',
  'seed',
  'stopSequences',
  'temperature',
  'thinkingConfig',
  'topP',
])

const namesOf = (parts: readonly Part[] = [], member: 'functionCall' | 'functionResponse'): string[] =>
  parts.flatMap((part) => part[member]?.name ?? [])

/** What Gemini would refuse, in its manner of speaking; null when it would take it. */
const complaintAbout = ({ contents, generationConfig, ...body }: GenerateContentBody): string | null => {
  const unknown = [
    ...Object.keys(body).filter((name) => !known.has(name)),
    ...Object.keys(generationConfig ?? {}).filter((name) => !knownConfig.has(name)),
  ]
  if (unknown.length > 0) return `Invalid JSON payload received. Unknown name "${unknown[0]}": Cannot find field.`
  if (!Array.isArray(contents) || contents.length === 0)
    return '* GenerateContentRequest.contents: contents is not specified'
  for (const [index, { role, parts }] of contents.entries()) {
    if (role !== 'user' && role !== 'model') return 'Please use a valid role: user, model.'
    if (!parts?.length) return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`
    const asked = index === 0 ? [] : namesOf(contents[index - 1]?.parts, 'functionCall')
    const told = namesOf(parts, 'functionResponse')
    if (asked.length !== told.length)
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.'
  }
  return null
}

const textParts = (parts: readonly Part[] = []): Part[] => parts.filter(({ text }) => text !== undefined)

/** The same request as the rest of the upstream reads it. */
const asChat = (body: GenerateContentBody): ChatBody => {
  const { mode, allowedFunctionNames: allowed } = body.toolConfig?.functionCallingConfig ?? {}
  const { maxOutputTokens, responseMimeType, responseJsonSchema } = body.generationConfig ?? {}
  const isAnswered = namesOf(body.contents?.at(-1)?.parts, 'functionResponse').length > 0
  const isJson = responseMimeType === 'application/json'
  const named = allowed?.length === 1 ? { function: { name: allowed[0] as string } } : 'required'
  return {
    model: body.model,
    messages: [
      ...(body.systemInstruction === undefined ? [] : [{ role: 'system', content: body.systemInstruction.parts }]),
      ...(body.contents ?? []).map(({ role, parts }) => ({ role: role ?? '', content: textParts(parts) })),
      ...(isAnswered ? [{ role: 'tool' }] : []),
    ],
    max_tokens: maxOutputTokens ?? null,
    tools: (body.tools ?? []).flatMap(({ functionDeclarations = [] }) =>
      functionDeclarations.map(({ name, parametersJsonSchema }) => ({
        function: { ...(name !== undefined && { name }), parameters: parametersJsonSchema },
      })),
    ),
    tool_choice: mode === 'ANY' ? named : mode === 'NONE' ? 'none' : null,
    response_format: !isJson
      ? null
      : responseJsonSchema === undefined
        ? { type: 'json_object' }
        : { type: 'json_schema', json_schema: { schema: responseJsonSchema } },
  }
}

interface Plan {
  script: Script
  answer: Answer
  promptTokens: number
  id: string
  model: string
}

const finishReasons = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP' } as const

const finishOf = ({ script, answer }: Plan): string =>
  script['stop-reason'] === 'SAFETY' ? 'SAFETY' : finishReasons[answer.finish]

/** Thoughts stand beside `candidatesTokenCount` here, cached input within `promptTokenCount`. */
const usageOf = ({ script, promptTokens }: Plan, outputTokens: number) => {
  const zero = script.usage === 'zero'
  const thoughts = script['reasoning-tokens'] ?? 0
  const cached = Math.min(promptTokens, script['cached-tokens'] ?? 0)
  return {
    promptTokenCount: zero ? 0 : promptTokens,
    candidatesTokenCount: zero ? 0 : outputTokens - thoughts,
    totalTokenCount: zero ? 0 : promptTokens + outputTokens,
    ...(cached > 0 && { cachedContentTokenCount: zero ? 0 : cached }),
    ...(thoughts > 0 && { thoughtsTokenCount: zero ? 0 : thoughts }),
  }
}

const reported = (usage: ReturnType<typeof usageOf>): ReportedUsage => ({
  prompt_tokens: usage.promptTokenCount,
  completion_tokens: usage.candidatesTokenCount + (usage.thoughtsTokenCount ?? 0),
  total_tokens: usage.totalTokenCount,
  prompt_tokens_details: { cached_tokens: usage.cachedContentTokenCount ?? 0 },
  completion_tokens_details: { reasoning_tokens: usage.thoughtsTokenCount ?? 0 },
})

const thoughts = (script: Script) => plainWording(script['reasoning-tokens'] ?? 0, 1, false)

const callPart = ({ answer, id }: Plan, number: number): Part & { thoughtSignature?: string } => {
  const call = answer.toolCalls[number]
  const args = JSON.parse(call?.arguments.text ?? '{}') as unknown
  const part = { functionCall: { id: `fc_${id}_${number}`, name: call?.name ?? '', args } }
  return number === 0 ? { ...part, thoughtSignature: 'scripted-signature' } : part
}

const chunk = (plan: Plan, parts: readonly object[], more: object = {}): string => {
  const candidate = { content: { parts, role: 'model' }, index: 0, ...more }
  return JSON.stringify({ candidates: [candidate], modelVersion: plan.model, responseId: plan.id })
}

const event = (json: string, tokens: number, isPart: boolean): StreamEvent => ({
  text: `data: ${json}\r\n\r\n`,
  tokens,
  isPart,
})

function* eventsOf(plan: Plan): Generator<StreamEvent> {
  const { script, answer, model, id } = plan
  let produced = 0
  const counted = function* (events: Iterable<StreamEvent>): Generator<StreamEvent> {
    for (const one of events) {
      produced += one.tokens
      yield one
    }
  }
  yield* counted(
    thoughts(script).pieces.map(({ text, tokens }) => event(chunk(plan, [{ text, thought: true }]), tokens, false)),
  )
  yield* counted(answer.content.pieces.map(({ text, tokens }) => event(chunk(plan, [{ text }]), tokens, true)))
  yield* counted(
    answer.toolCalls.map((call, number) =>
      event(chunk(plan, [callPart(plan, number)]), call.nameTokens + call.arguments.tokens, true),
    ),
  )
  const isSaid = script.usage !== 'missing' && script.usage !== 'null'
  const usage = usageOf(plan, produced)
  const last = {
    candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: finishOf(plan), index: 0 }],
    ...(isSaid && { usageMetadata: usage }),
    modelVersion: model,
    responseId: id,
  }
  yield { ...event(JSON.stringify(last), 0, false), isTerminal: true, usage: isSaid ? reported(usage) : undefined }
}

const wholeBody = (plan: Plan, usage: object | null): string => {
  const { script, answer, model, id } = plan
  const thought = thoughts(script).text
  const parts = [
    ...(thought === '' ? [] : [{ text: thought, thought: true }]),
    ...(answer.toolCalls.length > 0
      ? answer.toolCalls.map((_, number) => callPart(plan, number))
      : [{ text: answer.content.text }]),
  ]
  return JSON.stringify({
    candidates: [{ content: { parts, role: 'model' }, finishReason: finishOf(plan), index: 0 }],
    ...(usage !== null && { usageMetadata: usage }),
    modelVersion: model,
    responseId: id,
  })
}

/** One picture of one pixel, with the tokens that a real one has. */
const answerPicture = async (exchange: Exchange, script: Script, body: GenerateContentBody): Promise<void> => {
  requireMeaning(script, 'json')
  const { row } = exchange
  row.prompt_tokens = countTokens((body.contents?.[0]?.parts ?? []).map(({ text }) => text ?? '').join(''))
  row.produced_tokens = 1_120
  const candidatesTokensDetails = [{ modality: 'IMAGE', tokenCount: row.produced_tokens }]
  const parts = [{ inlineData: { mimeType: 'image/png', data: pixel } }]
  const answer = {
    candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {
      promptTokenCount: row.prompt_tokens,
      candidatesTokenCount: row.produced_tokens,
      candidatesTokensDetails,
    },
  }
  await sendWhole(exchange, script, JSON.stringify(answer))
}

/**
 * Answers `generateContent` and `streamGenerateContent` of Google's Gemini API; a request that Gemini would refuse is refused.
 * @throws ScriptError when the script cannot be answered
 */
export const answerGenerateContent = async (
  exchange: Exchange,
  script: Script,
  body: GenerateContentBody,
): Promise<void> => {
  const { row } = exchange
  const complaint = complaintAbout(body)
  if (complaint !== null) return refuse(exchange, 400, googleDialect.error(complaint, 'INVALID_ARGUMENT', null))
  if (body.generationConfig?.responseModalities?.includes('IMAGE') === true)
    return answerPicture(exchange, script, body)
  requireMeaning(script, row.stream ? 'stream' : 'json')
  if (script['tool-index'] !== undefined) throw new ScriptError('tool-index has no meaning for Gemini')
  const chat = asChat(body)
  const answer = answerFor(chat, script)
  row.prompt_tokens = countPromptTokens(chat.messages)
  const plan: Plan = {
    script,
    answer,
    promptTokens: row.prompt_tokens,
    id: `gemini_${row.sequence}`,
    model: splitModel(body.model).base,
  }
  if (row.stream) {
    if (!script.plain) requireReachableParts(script, Math.max(answer.content.pieces.length, answer.toolCalls.length))
    return sendStream(exchange, script, eventsOf(plan), googleDialect)
  }
  row.produced_tokens = answer.tokens + (script['reasoning-tokens'] ?? 0)
  const usage = usageOf(plan, row.produced_tokens)
  const isSaid = script.usage !== 'missing' && script.usage !== 'null'
  row.usage_reported = isSaid ? reported(usage) : null
  await sendWhole(exchange, script, wholeBody(plan, isSaid ? usage : null))
}

/** What the upstream reads of a `batchEmbedContents` request. */
export interface BatchEmbedBody {
  model: string
  requests?: Array<{ content?: { parts?: Part[] }; outputDimensionality?: number }>
}

/** Answers `batchEmbedContents` with vectors of length one. */
export const answerBatchEmbed = async (exchange: Exchange, script: Script, body: BatchEmbedBody): Promise<void> => {
  const { row } = exchange
  requireMeaning(script, 'json')
  const inputs = (body.requests ?? []).map(({ content, outputDimensionality = 768 }) => ({
    text: (content?.parts ?? []).map(({ text }) => text ?? '').join(''),
    dimensions: outputDimensionality,
  }))
  if (inputs.length === 0)
    return refuse(exchange, 400, googleDialect.error('* BatchEmbedContentsRequest.requests', 'INVALID_ARGUMENT', null))
  const embeddings = inputs.map(({ text, dimensions }) => ({ values: Array.from(embed(text, dimensions)) }))
  row.prompt_tokens = inputs.reduce((sum, { text }) => sum + countTokens(text), 0)
  const isSaid = script.usage !== 'missing'
  row.usage_reported = isSaid ? { prompt_tokens: row.prompt_tokens, total_tokens: row.prompt_tokens } : null
  const usage = isSaid ? { usageMetadata: { promptTokenCount: row.prompt_tokens } } : {}
  await sendWhole(exchange, script, JSON.stringify({ embeddings, ...usage }))
}
