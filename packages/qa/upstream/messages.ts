import { type Answer, answerFor } from './answer.ts'
import { anthropicDialect } from './dialect.ts'
import type { Exchange } from './exchange.ts'
import { type MessagesBody, asChat, complaintAbout } from './messages-request.ts'
import { refuse, sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning, splitModel } from './script.ts'
import { type StreamEvent, requireReachableParts, sendStream } from './stream-writer.ts'
import { countPromptTokens } from './tokens.ts'
import type { ReportedUsage } from './truth.ts'
import { plainWording } from './words.ts'

interface Plan {
  script: Script
  answer: Answer
  promptTokens: number
  id: string
  model: string
}

const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const
const redactedData = 'c2NyaXB0ZWQgcmVkYWN0ZWQgdGhpbmtpbmc='

const stopOf = ({ script, answer }: Plan) => ({
  stop_reason: script['stop-reason'] ?? stopReasons[answer.finish],
  stop_sequence: script['stop-reason'] === 'stop_sequence' ? 'STOP' : null,
  stop_details:
    script['stop-reason'] === 'refusal'
      ? { type: 'refusal', category: null, explanation: 'I cannot help with that.' }
      : null,
})

/** Cached input stands beside `input_tokens` here, not in it. */
const cacheOf = ({ script, promptTokens }: Plan) => {
  const read = Math.min(
    promptTokens,
    script['cached-tokens'] ?? (script['usage-details'] === true ? promptTokens >> 1 : 0),
  )
  const written = Math.min(promptTokens - read, script['cache-write-tokens'] ?? 0)
  return { read, written }
}

const usageOf = (plan: Plan, outputTokens: number) => {
  const zero = plan.script.usage === 'zero'
  const { read, written } = cacheOf(plan)
  return {
    input_tokens: zero ? 0 : plan.promptTokens - read - written,
    cache_creation_input_tokens: zero ? 0 : written,
    cache_read_input_tokens: zero ? 0 : read,
    cache_creation: { ephemeral_5m_input_tokens: zero ? 0 : written, ephemeral_1h_input_tokens: 0 },
    output_tokens: zero ? 0 : outputTokens,
    output_tokens_details: { thinking_tokens: zero ? 0 : (plan.script['reasoning-tokens'] ?? 0) },
  }
}

const reported = (usage: ReturnType<typeof usageOf>): ReportedUsage => {
  const { cache_creation_input_tokens: written, cache_read_input_tokens: read, output_tokens: output } = usage
  const prompt = usage.input_tokens + written + read
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: usage.output_tokens_details.thinking_tokens },
  }
}

const event = (name: string, value: object, tokens = 0, isPart = false): StreamEvent => ({
  text: `event: ${name}\ndata: ${JSON.stringify({ type: name, ...value })}\n\n`,
  tokens,
  isPart,
})

const delta = (index: number, value: object, tokens = 0, isPart = false): StreamEvent =>
  event('content_block_delta', { index, delta: value }, tokens, isPart)

const thoughts = (script: Script) => plainWording(script['reasoning-tokens'] ?? 0, 1, false)

function* thinkingEvents({ script }: Plan): Generator<StreamEvent> {
  let index = 0
  if ((script['reasoning-tokens'] ?? 0) > 0) {
    yield event('content_block_start', { index, content_block: { type: 'thinking', thinking: '', signature: '' } })
    for (const { text, tokens } of thoughts(script).pieces)
      yield delta(index, { type: 'thinking_delta', thinking: text }, tokens)
    yield delta(index, { type: 'signature_delta', signature: 'scripted-signature' })
    yield event('content_block_stop', { index })
    index += 1
  }
  if (script['redacted-thinking'] === true) {
    yield event('content_block_start', { index, content_block: { type: 'redacted_thinking', data: redactedData } })
    yield event('content_block_stop', { index })
  }
}

const thinkingBlocks = (script: Script): number =>
  ((script['reasoning-tokens'] ?? 0) > 0 ? 1 : 0) + (script['redacted-thinking'] === true ? 1 : 0)

const toolUseId = (plan: Plan, call: number): string => `toolu_${plan.id.replace('msg_', '')}_${call}`

function* toolEvents(plan: Plan): Generator<StreamEvent> {
  const first = thinkingBlocks(plan.script)
  const perCall = plan.answer.toolCalls.map((call, number) => {
    const index = first + number
    const block = { type: 'tool_use', id: toolUseId(plan, number), name: call.name, input: {} }
    return [
      event('content_block_start', { index, content_block: block }, call.nameTokens, true),
      delta(index, { type: 'input_json_delta', partial_json: '' }),
      ...call.arguments.pieces.map(({ text, tokens }) =>
        delta(index, { type: 'input_json_delta', partial_json: text }, tokens, true),
      ),
      event('content_block_stop', { index }),
    ]
  })
  if (plan.script['tool-index'] !== 'interleaved') {
    yield* perCall.flat()
    return
  }
  const longest = Math.max(...perCall.map((events) => events.length))
  for (let step = 0; step < longest; step += 1)
    for (const events of perCall) {
      const one = events[step]
      if (one !== undefined) yield one
    }
}

function* textEvents({ script, answer }: Plan): Generator<StreamEvent> {
  const index = thinkingBlocks(script)
  yield event('content_block_start', { index, content_block: { type: 'text', text: '' } })
  for (const { text, tokens } of answer.content.pieces) yield delta(index, { type: 'text_delta', text }, tokens, true)
  yield event('content_block_stop', { index })
}

function* eventsOf(plan: Plan): Generator<StreamEvent> {
  const { script, answer, id, model } = plan
  const isSilent = script.usage === 'missing'
  const usageMember = (tokens: number) =>
    isSilent ? {} : { usage: script.usage === 'null' ? null : usageOf(plan, tokens) }
  const message = { id, type: 'message', role: 'assistant', content: [], model, stop_reason: null, stop_sequence: null }
  yield event('message_start', { message: { ...message, ...usageMember(1) } })
  yield { text: anthropicDialect.ping, tokens: 0, isPart: false }
  let produced = 0
  const counted = function* (events: Iterable<StreamEvent>): Generator<StreamEvent> {
    for (const one of events) {
      produced += one.tokens
      yield one
    }
  }
  yield* counted(thinkingEvents(plan))
  yield* counted(answer.toolCalls.length > 0 ? toolEvents(plan) : textEvents(plan))
  const closing = event('message_delta', { delta: stopOf(plan), ...usageMember(produced) })
  yield closing
  if (script.usage === 'duplicate') yield closing
  const isSaid = !isSilent && script.usage !== 'null'
  yield {
    ...event('message_stop', {}),
    isTerminal: true,
    usage: isSaid ? reported(usageOf(plan, produced)) : undefined,
  }
}

const wholeBody = (plan: Plan, produced: number): object => {
  const { script, answer, id, model } = plan
  const thinking = thoughts(script).text
  const content = [
    ...(thinking === '' ? [] : [{ type: 'thinking', thinking, signature: 'scripted-signature' }]),
    ...(script['redacted-thinking'] === true ? [{ type: 'redacted_thinking', data: redactedData }] : []),
    ...(answer.toolCalls.length > 0
      ? answer.toolCalls.map((call, number) => ({
          type: 'tool_use',
          id: toolUseId(plan, number),
          name: call.name,
          input: JSON.parse(call.arguments.text) as unknown,
        }))
      : [{ type: 'text', text: answer.content.text }]),
  ]
  const usage = script.usage === 'null' ? null : usageOf(plan, produced)
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    ...stopOf(plan),
    ...(script.usage !== 'missing' && { usage }),
  }
}

const sendJson = async (exchange: Exchange, plan: Plan): Promise<void> => {
  const { script, answer } = plan
  const { row } = exchange
  const partDelay = script['part-delay'] ?? 0
  row.produced_tokens = script['reasoning-tokens'] ?? 0
  if (partDelay > 0) {
    for (const [index, piece] of answer.content.pieces.entries()) {
      if (index > 0 && !(await exchange.sleep(partDelay))) return
      row.produced_tokens += piece.tokens
    }
  } else row.produced_tokens += answer.tokens
  const isSaid = script.usage !== 'missing' && script.usage !== 'null'
  row.usage_reported = isSaid ? reported(usageOf(plan, row.produced_tokens)) : null
  await sendWhole(exchange, script, JSON.stringify(wholeBody(plan, row.produced_tokens)))
}

/** @throws ScriptError for words that have no meaning in this protocol */
const requireMessagesMeaning = (script: Script): void => {
  const { usage, 'tool-index': indexes } = script
  if (usage === 'cumulative' || usage === 'always') throw new ScriptError(`usage=${usage} has no meaning for Messages`)
  if (indexes !== undefined && indexes !== 'interleaved')
    throw new ScriptError(`tool-index=${indexes} has no meaning for Messages`)
}

/**
 * Answers `POST /v1/messages`, Anthropic's protocol; a request that Anthropic would refuse is refused.
 * @throws ScriptError when the script cannot be answered
 */
export const answerMessages = async (exchange: Exchange, script: Script, body: MessagesBody): Promise<void> => {
  const { row, request } = exchange
  const version = request.headers['anthropic-version']
  const complaint = complaintAbout(body, typeof version === 'string' ? version : null)
  if (complaint !== null) return refuse(exchange, 400, anthropicDialect.error(complaint, 'invalid_request_error', null))
  requireMeaning(script, row.stream ? 'stream' : 'json')
  requireMessagesMeaning(script)
  const chat = asChat(body)
  const answer = answerFor(chat, script)
  if (body.tool_choice?.disable_parallel_tool_use === true && answer.toolCalls.length > 1)
    throw new ScriptError('tool-calls above 1 contradicts disable_parallel_tool_use')
  row.prompt_tokens = countPromptTokens(chat.messages)
  const plan: Plan = {
    script,
    answer,
    promptTokens: row.prompt_tokens,
    id: `msg_${row.sequence}`,
    model: splitModel(body.model).base,
  }
  if (!row.stream) return sendJson(exchange, plan)
  if (!script.plain) requireReachableParts(script, answer.parts)
  return sendStream(exchange, script, eventsOf(plan), anthropicDialect)
}
