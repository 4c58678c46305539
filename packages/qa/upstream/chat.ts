import { type Answer, type ChatBody, answerFor, promptTokensOf } from './answer.ts'
import type { Exchange } from './exchange.ts'
import { sendWhole } from './plain-writer.ts'
import { type Script, ScriptError, requireMeaning, splitModel } from './script.ts'
import { type StreamEvent, doneEvent, requireReachableParts, sendStream } from './stream-writer.ts'
import type { ReportedUsage } from './truth.ts'

interface Plan {
  script: Script
  body: ChatBody
  answer: Answer
  choices: number
  promptTokens: number
  /** The start of every chunk: identifiers, time and model. */
  identity: (object: string) => string
}

const seconds = (): number => Math.floor(Date.now() / 1000)

const usageOf = (plan: Plan, completionTokens: number): ReportedUsage => {
  const { script, promptTokens } = plan
  if (script.usage === 'zero') return { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  const usage: ReportedUsage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
  const cached = script['cached-tokens'] ?? (script['usage-details'] === true ? promptTokens >> 1 : undefined)
  const reasoning = script['reasoning-tokens'] ?? (script['usage-details'] === true ? 0 : undefined)
  const written = script['cache-write-tokens']
  if (cached !== undefined || written !== undefined)
    usage.prompt_tokens_details = {
      cached_tokens: cached ?? 0,
      ...(written !== undefined && { cache_write_tokens: written }),
    }
  if (reasoning !== undefined) usage.completion_tokens_details = { reasoning_tokens: reasoning }
  return usage
}

const toolCallId = (sequence: number, choice: number, index: number): string => `call_${sequence}_${choice}_${index}`

interface Delta {
  choice: number
  json: string
  tokens: number
  isPart: boolean
  finish?: string
}

function* toolDeltas(plan: Plan, sequence: number, choice: number): Generator<Delta> {
  const style = plan.script['tool-index']
  const perCall = plan.answer.toolCalls.map((call, index) => {
    const place = style === 'missing' ? '' : `"index":${style === 'repeated' ? 0 : index},`
    const id = toolCallId(sequence, choice, index)
    const open = `{"tool_calls":[{${place}"id":"${id}","type":"function","function":{"name":${JSON.stringify(call.name)},"arguments":""}}]}`
    return [
      { choice, json: open, tokens: call.nameTokens, isPart: true },
      ...call.arguments.pieces.map((piece) => ({
        choice,
        json: `{"tool_calls":[{${place}"function":{"arguments":"${piece.escaped}"}}]}`,
        tokens: piece.tokens,
        isPart: true,
      })),
    ]
  })
  if (style !== 'interleaved') {
    yield* perCall.flat()
    return
  }
  const longest = Math.max(...perCall.map((deltas) => deltas.length))
  for (let step = 0; step < longest; step += 1) {
    for (const deltas of perCall) {
      const delta = deltas[step]
      if (delta !== undefined) yield delta
    }
  }
}

function* deltasOf(plan: Plan, sequence: number): Generator<Delta> {
  const { answer, choices, script } = plan
  for (let choice = 0; choice < choices; choice += 1) {
    const hidden = choice === 0 ? (script['reasoning-tokens'] ?? 0) : 0
    yield { choice, json: '{"role":"assistant","content":"","refusal":null}', tokens: hidden, isPart: false }
  }
  if (answer.toolCalls.length > 0) {
    for (let choice = 0; choice < choices; choice += 1) yield* toolDeltas(plan, sequence, choice)
  }
  for (const piece of answer.content.pieces) {
    for (let choice = 0; choice < choices; choice += 1) {
      yield { choice, json: `{"content":"${piece.escaped}"}`, tokens: piece.tokens, isPart: true }
    }
  }
  for (let choice = 0; choice < choices; choice += 1) {
    yield { choice, json: '{}', tokens: 0, isPart: false, finish: answer.finish }
  }
}

function* eventsOf(plan: Plan, sequence: number): Generator<StreamEvent> {
  const { script } = plan
  const isAsked = plan.body.stream_options?.include_usage === true
  const isCumulative = script.usage === 'cumulative'
  const head = `data: ${plan.identity('chat.completion.chunk')},"choices":[`
  const plainEnd = isAsked ? '}],"usage":null}\n\n' : '}]}\n\n'
  let produced = 0
  for (const delta of deltasOf(plan, sequence)) {
    produced += delta.tokens
    const finish = delta.finish === undefined ? 'null' : `"${delta.finish}"`
    const usage = isCumulative ? usageOf(plan, produced) : undefined
    const end = usage === undefined ? plainEnd : `}],"usage":${JSON.stringify(usage)}}\n\n`
    yield {
      text: `${head}{"index":${delta.choice},"delta":${delta.json},"logprobs":null,"finish_reason":${finish}${end}`,
      tokens: delta.tokens,
      isPart: delta.isPart,
      usage,
    }
  }
  if ((isAsked || script.usage === 'always') && script.usage !== 'missing') {
    const usage = script.usage === 'null' ? undefined : usageOf(plan, produced)
    const text = `${head}],"usage":${usage === undefined ? 'null' : JSON.stringify(usage)}}\n\n`
    const event = { text, tokens: 0, isPart: false, usage }
    yield event
    if (script.usage === 'duplicate') yield event
  }
  yield doneEvent
}

const wholeBody = (plan: Plan, sequence: number, usage: ReportedUsage | null | undefined): string => {
  const { answer } = plan
  const choices = Array.from({ length: plan.choices }, (_, choice) => {
    const calls = answer.toolCalls.map((call, index) => ({
      id: toolCallId(sequence, choice, index),
      type: 'function',
      function: { name: call.name, arguments: call.arguments.text },
    }))
    const content =
      calls.length > 0 ? `null,"tool_calls":${JSON.stringify(calls)}` : JSON.stringify(answer.content.text)
    return `{"index":${choice},"message":{"role":"assistant","content":${content},"refusal":null},"logprobs":null,"finish_reason":"${answer.finish}"}`
  })
  const tail = usage === undefined ? '' : `,"usage":${JSON.stringify(usage)}`
  return `${plan.identity('chat.completion')},"choices":[${choices.join(',')}]${tail}}`
}

const sendJson = async (exchange: Exchange, plan: Plan): Promise<void> => {
  const { script, answer, choices } = plan
  const { row } = exchange
  row.produced_tokens = script['reasoning-tokens'] ?? 0
  const partDelay = script['part-delay'] ?? 0
  if (partDelay > 0) {
    for (const [index, piece] of answer.content.pieces.entries()) {
      if (index > 0 && !(await exchange.sleep(partDelay))) return
      row.produced_tokens += piece.tokens * choices
    }
  } else {
    row.produced_tokens += answer.tokens * choices
  }
  const usage =
    script.usage === 'missing' ? undefined : script.usage === 'null' ? null : usageOf(plan, row.produced_tokens)
  row.usage_reported = usage ?? null
  await sendWhole(exchange, script, wholeBody(plan, row.sequence, usage))
}

/**
 * Answers `POST /v1/chat/completions`.
 * @throws ScriptError when the body or the script cannot be answered
 */
export const answerChat = async (exchange: Exchange, script: Script, body: ChatBody): Promise<void> => {
  if (!Array.isArray(body.messages)) throw new ScriptError('messages must be an array')
  const { row } = exchange
  requireMeaning(script, row.stream ? 'stream' : 'json')
  if (script['stop-reason'] !== undefined || script['redacted-thinking'] !== undefined)
    throw new ScriptError('stop-reason and redacted-thinking have a meaning only for Messages')
  const answer = answerFor(body, script)
  const choices = body.n ?? 1
  if (!Number.isInteger(choices) || choices < 1 || choices > 128)
    throw new ScriptError('n must be a whole number from 1 to 128')
  row.prompt_tokens = promptTokensOf(body)
  const model = JSON.stringify(splitModel(body.model).base)
  const plan: Plan = {
    script,
    body,
    answer,
    choices,
    promptTokens: row.prompt_tokens,
    identity: (object) =>
      `{"id":"chatcmpl-${row.sequence}","object":"${object}","created":${seconds()},"model":${model},"system_fingerprint":"fp_scripted"`,
  }
  if (!row.stream) return sendJson(exchange, plan)
  if (!script.plain) requireReachableParts(script, answer.parts * choices)
  return sendStream(exchange, script, eventsOf(plan, row.sequence))
}
