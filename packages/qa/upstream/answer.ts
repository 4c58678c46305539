import { sampleSchema } from './sample-schema.ts'
import { type Script, ScriptError } from './script.ts'
import { countPromptTokens, countTokens, splitByToken } from './tokens.ts'
import { type Wording, plainWording, shorten, sizedWording, wordingOf } from './words.ts'

/** What the upstream reads of a chat request. */
export interface ChatBody {
  model: string
  messages: Array<{ role?: string; content?: unknown }>
  stream?: boolean
  stream_options?: { include_usage?: boolean } | null
  n?: number | null
  max_tokens?: number | null
  max_completion_tokens?: number | null
  tools?: Array<{ function?: { name?: string; parameters?: unknown } }> | null
  tool_choice?: string | { function?: { name?: string } } | null
  response_format?: { type?: string; json_schema?: { schema?: unknown } } | null
}

/** A tool call of an answer; its name costs tokens too. */
export interface ToolCall {
  name: string
  nameTokens: number
  arguments: Wording
}

/** What one choice of a chat answer holds. */
export interface Answer {
  content: Wording
  toolCalls: ToolCall[]
  finish: 'stop' | 'length' | 'tool_calls'
  /** Content events, or pieces of tool calls. */
  parts: number
  /** Visible tokens of one choice. */
  tokens: number
}

const defaultParts = 10
const noWording: Wording = wordingOf([])

const toolCallsFor = (body: ChatBody, script: Script): ToolCall[] => {
  const tools = body.tools ?? []
  const wanted = script['tool-calls']
  if (wanted !== undefined && tools.length === 0) throw new ScriptError('tool-calls needs tools in the request')
  const named = typeof body.tool_choice === 'object' ? body.tool_choice?.function?.name : undefined
  const isForced = named !== undefined || body.tool_choice === 'required'
  // after the tool results the conversation goes on with text, else an agent loop would never end
  const isAnswered = body.messages.at(-1)?.role === 'tool'
  const calls = body.tool_choice === 'none' || isAnswered ? 0 : (wanted ?? (isForced ? 1 : 0))
  const usable = named === undefined ? tools : tools.filter((tool) => tool.function?.name === named)
  if (calls > 0 && usable.length === 0) throw new ScriptError('tool_choice names a function that tools does not have')
  return Array.from({ length: calls }, (_, index) => {
    const tool = usable[index % usable.length]?.function
    const name = tool?.name ?? 'unnamed'
    const text = JSON.stringify(sampleSchema(tool?.parameters ?? { type: 'object' }))
    return { name, nameTokens: countTokens(name), arguments: wordingOf(splitByToken(text)) }
  })
}

const contentFor = (body: ChatBody, script: Script): Wording => {
  const format = body.response_format?.type
  if (format === 'json_schema') {
    return wordingOf(splitByToken(JSON.stringify(sampleSchema(body.response_format?.json_schema?.schema))))
  }
  if (format === 'json_object') return wordingOf(splitByToken('{"answer":"sample"}'))
  if (script.size !== undefined) return sizedWording(script.size)
  const isMultibyte = script.utf8 === true || script['cut-in-character'] !== undefined
  return plainWording(script.parts ?? defaultParts, script['part-tokens'] ?? 1, isMultibyte)
}

/** Decides what one choice of the answer holds: tool calls, schema-true JSON or plain words, within max_tokens. */
export const answerFor = (body: ChatBody, script: Script): Answer => {
  const toolCalls = toolCallsFor(body, script)
  if (toolCalls.length > 0) {
    const tokens = toolCalls.reduce((sum, call) => sum + call.nameTokens + call.arguments.tokens, 0)
    const parts = toolCalls.reduce((sum, call) => sum + 1 + call.arguments.pieces.length, 0)
    return { content: noWording, toolCalls, finish: 'tool_calls', parts, tokens }
  }
  const whole = contentFor(body, script)
  const limit = body.max_completion_tokens ?? body.max_tokens
  const isBounded = typeof limit === 'number' && script['ignore-max-tokens'] !== true
  const content = isBounded ? shorten(whole, limit) : whole
  const finish = content.tokens < whole.tokens ? 'length' : 'stop'
  return { content, toolCalls, finish, parts: content.pieces.length, tokens: content.tokens }
}

const rememberedPrompts = new WeakMap<object, number>()

/** Prompt tokens of a request body, counted once per body object. */
export const promptTokensOf = (body: ChatBody): number => {
  const known = rememberedPrompts.get(body)
  if (known !== undefined) return known
  const tokens = countPromptTokens(body.messages)
  rememberedPrompts.set(body, tokens)
  return tokens
}
