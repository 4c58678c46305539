import { type Answer, type ChatBody, answerFor } from './answer.ts'
import { bedrockDialect } from './dialect.ts'
import { eventStreamMessage } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { refuse, sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning } from './script.ts'
import { type StreamEvent, requireReachableParts, sendStream } from './stream-writer.ts'
import { countPromptTokens } from './tokens.ts'
import type { ReportedUsage } from './truth.ts'
import { plainWording } from './words.ts'

interface Block {
  text?: string
  toolUse?: { toolUseId?: string }
  toolResult?: { toolUseId?: string }
}

/** What the upstream reads of a `Converse` request; `model` and `stream` are told by the address. */
export interface ConverseBody {
  model: string
  stream?: boolean
  messages?: Array<{ role?: string; content?: Block[] }>
  system?: Block[]
  inferenceConfig?: { maxTokens?: number }
  toolConfig?: {
    tools?: Array<{ toolSpec?: { name?: string; inputSchema?: { json?: unknown } } }>
    toolChoice?: { any?: object; tool?: { name?: string } }
  }
  outputConfig?: { textFormat?: { type?: string; structure?: { jsonSchema?: { schema?: string } } } }
}

/** Members of `Converse` and `InferenceConfiguration` (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
const known = new Set([
  'model',
  'stream',
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'outputConfig',
  'additionalModelRequestFields',
])
const knownConfig = new Set(['maxTokens', 'stopSequences', 'temperature', 'topP'])

const idsOf = (content: readonly Block[] = [], member: 'toolUse' | 'toolResult'): string[] =>
  content.flatMap((block) => block[member]?.toolUseId ?? [])

/** What Bedrock would refuse, in its manner of speaking; null when it would take it. */
const complaintAbout = (body: ConverseBody): string | null => {
  const unknown = [
    ...Object.keys(body).filter((name) => !known.has(name)),
    ...Object.keys(body.inferenceConfig ?? {}).filter((name) => !knownConfig.has(name)),
  ]
  if (unknown.length > 0) return `extraneous key [${unknown[0]}] is not permitted`
  const { messages } = body
  if (!Array.isArray(messages) || messages.length === 0) return 'A conversation must start with a user message.'
  for (const [index, { role, content = [] }] of messages.entries()) {
    if (role !== 'user' && role !== 'assistant') return `Value at 'messages.${index}.role' failed to satisfy constraint`
    if (content.length === 0) return `The content field in the Message object at messages.${index} is empty.`
    if (content.some(({ text }) => text?.trim() === '')) return `The text field at messages.${index} is blank.`
    const asked = index === 0 ? [] : idsOf(messages[index - 1]?.content, 'toolUse')
    const told = idsOf(content, 'toolResult')
    if (asked.length !== told.length || told.some((id) => !asked.includes(id)))
      return `Expected toolResult blocks at messages.${index}.content for the following Ids: ${asked.join(', ')}`
    if (told.length > 0 && !body.toolConfig?.tools?.length)
      return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.'
  }
  return null
}

/** The same request as the rest of the upstream reads it. */
const asChat = (body: ConverseBody): ChatBody => {
  const { tools = [], toolChoice } = body.toolConfig ?? {}
  const format = body.outputConfig?.textFormat
  const isAnswered = idsOf(body.messages?.at(-1)?.content, 'toolResult').length > 0
  const named = toolChoice?.tool?.name
  return {
    model: body.model,
    messages: [
      ...(body.system === undefined ? [] : [{ role: 'system', content: body.system }]),
      ...(body.messages ?? []).map(({ role, content }) => ({ role: role ?? '', content })),
      ...(isAnswered ? [{ role: 'tool' }] : []),
    ],
    max_tokens: body.inferenceConfig?.maxTokens ?? null,
    tools: tools.map(({ toolSpec }) => ({
      function: {
        ...(toolSpec?.name !== undefined && { name: toolSpec.name }),
        parameters: toolSpec?.inputSchema?.json,
      },
    })),
    tool_choice:
      named !== undefined ? { function: { name: named } } : toolChoice?.any === undefined ? null : 'required',
    response_format:
      format?.type === 'json_schema'
        ? {
            type: 'json_schema',
            json_schema: { schema: JSON.parse(format.structure?.jsonSchema?.schema ?? '{}') as unknown },
          }
        : null,
  }
}

interface Plan {
  script: Script
  answer: Answer
  promptTokens: number
  id: string
}

const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const

const stopOf = ({ script, answer }: Plan): string => script['stop-reason'] ?? stopReasons[answer.finish]

/** Cached input stands beside `inputTokens`. */
const usageOf = ({ script, promptTokens }: Plan, outputTokens: number) => {
  const zero = script.usage === 'zero'
  const read = Math.min(promptTokens, script['cached-tokens'] ?? 0)
  const written = Math.min(promptTokens - read, script['cache-write-tokens'] ?? 0)
  return {
    inputTokens: zero ? 0 : promptTokens - read - written,
    outputTokens: zero ? 0 : outputTokens,
    totalTokens: zero ? 0 : promptTokens + outputTokens,
    cacheReadInputTokens: zero ? 0 : read,
    cacheWriteInputTokens: zero ? 0 : written,
  }
}

const reported = (usage: ReturnType<typeof usageOf>): ReportedUsage => ({
  prompt_tokens: usage.inputTokens + usage.cacheReadInputTokens + usage.cacheWriteInputTokens,
  completion_tokens: usage.outputTokens,
  total_tokens: usage.totalTokens,
  prompt_tokens_details: {
    cached_tokens: usage.cacheReadInputTokens,
    cache_write_tokens: usage.cacheWriteInputTokens,
  },
})

const thoughts = (script: Script) => plainWording(script['reasoning-tokens'] ?? 0, 1, false)
const redactedContent = 'c2NyaXB0ZWQgcmVkYWN0ZWQgdGhpbmtpbmc='
const toolUseId = ({ id }: Plan, call: number): string => `tooluse_${id}_${call}`

/** The padding that Bedrock adds against guesses by length. */
const padding = 'abcdefghijklmn'

const event = (type: string, value: object, tokens = 0, isPart = false): StreamEvent => ({
  text: eventStreamMessage(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify({ ...value, p: padding.slice(0, 3 + (tokens % 9)) }),
  ),
  tokens,
  isPart,
})

const delta = (contentBlockIndex: number, value: object, tokens = 0, isPart = false): StreamEvent =>
  event('contentBlockDelta', { contentBlockIndex, delta: value }, tokens, isPart)

function* thinkingEvents({ script }: Plan): Generator<StreamEvent> {
  let index = 0
  if ((script['reasoning-tokens'] ?? 0) > 0) {
    for (const { text, tokens } of thoughts(script).pieces) yield delta(index, { reasoningContent: { text } }, tokens)
    yield delta(index, { reasoningContent: { signature: 'scripted-signature' } })
    yield event('contentBlockStop', { contentBlockIndex: index })
    index += 1
  }
  if (script['redacted-thinking'] === true) {
    yield delta(index, { reasoningContent: { redactedContent } })
    yield event('contentBlockStop', { contentBlockIndex: index })
  }
}

function* contentEvents(plan: Plan): Generator<StreamEvent> {
  const { script, answer } = plan
  const first = ((script['reasoning-tokens'] ?? 0) > 0 ? 1 : 0) + (script['redacted-thinking'] === true ? 1 : 0)
  if (answer.toolCalls.length === 0) {
    for (const { text, tokens } of answer.content.pieces) yield delta(first, { text }, tokens, true)
    yield event('contentBlockStop', { contentBlockIndex: first })
    return
  }
  for (const [number, call] of answer.toolCalls.entries()) {
    const contentBlockIndex = first + number
    const toolUse = { toolUseId: toolUseId(plan, number), name: call.name }
    yield event('contentBlockStart', { contentBlockIndex, start: { toolUse } }, call.nameTokens, true)
    for (const { text, tokens } of call.arguments.pieces)
      yield delta(contentBlockIndex, { toolUse: { input: text } }, tokens, true)
    yield event('contentBlockStop', { contentBlockIndex })
  }
}

function* eventsOf(plan: Plan): Generator<StreamEvent> {
  const { script } = plan
  let produced = 0
  yield event('messageStart', { role: 'assistant' })
  for (const events of [thinkingEvents(plan), contentEvents(plan)])
    for (const one of events) {
      produced += one.tokens
      yield one
    }
  const isSaid = script.usage !== 'missing' && script.usage !== 'null'
  const usage = usageOf(plan, produced)
  const metadata = { ...(isSaid && { usage }), metrics: { latencyMs: 7 } }
  const end = [event('messageStop', { stopReason: stopOf(plan) }), event('metadata', metadata)]
  yield {
    text: Buffer.concat(end.map(({ text }) => Buffer.from(text))),
    tokens: 0,
    isPart: false,
    isTerminal: true,
    usage: isSaid ? reported(usage) : undefined,
  }
}

const wholeBody = (plan: Plan, usage: object | null): string => {
  const { script, answer } = plan
  const text = thoughts(script).text
  const content = [
    ...(text === '' ? [] : [{ reasoningContent: { reasoningText: { text, signature: 'scripted-signature' } } }]),
    ...(script['redacted-thinking'] === true ? [{ reasoningContent: { redactedContent } }] : []),
    ...(answer.toolCalls.length > 0
      ? answer.toolCalls.map((call, number) => ({
          toolUse: {
            toolUseId: toolUseId(plan, number),
            name: call.name,
            input: JSON.parse(call.arguments.text) as unknown,
          },
        }))
      : [{ text: answer.content.text }]),
  ]
  return JSON.stringify({
    output: { message: { role: 'assistant', content } },
    stopReason: stopOf(plan),
    ...(usage !== null && { usage }),
    metrics: { latencyMs: 7 },
  })
}

/**
 * Answers `Converse` and `ConverseStream` of Amazon Bedrock; a request that Bedrock would refuse is refused.
 * @throws ScriptError when the script cannot be answered
 */
export const answerConverse = async (exchange: Exchange, script: Script, body: ConverseBody): Promise<void> => {
  const { row } = exchange
  const complaint = complaintAbout(body)
  if (complaint !== null) return refuse(exchange, 400, bedrockDialect.error(complaint, 'ValidationException', null))
  requireMeaning(script, row.stream ? 'stream' : 'json')
  for (const name of ['tool-index', 'pings', 'malformed'] as const)
    if (script[name] !== undefined) throw new ScriptError(`${name} has no meaning for Converse`)
  const chat = asChat(body)
  const answer = answerFor(chat, script)
  row.prompt_tokens = countPromptTokens(chat.messages)
  const plan: Plan = { script, answer, promptTokens: row.prompt_tokens, id: String(row.sequence) }
  if (row.stream) {
    if (!script.plain) requireReachableParts(script, answer.parts)
    return sendStream(exchange, script, eventsOf(plan), bedrockDialect)
  }
  row.produced_tokens = answer.tokens + (script['reasoning-tokens'] ?? 0)
  const usage = usageOf(plan, row.produced_tokens)
  const isSaid = script.usage !== 'missing' && script.usage !== 'null'
  row.usage_reported = isSaid ? reported(usage) : null
  await sendWhole(exchange, script, wholeBody(plan, isSaid ? usage : null))
}
