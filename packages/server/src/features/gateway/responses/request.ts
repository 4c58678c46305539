import type { InferenceRequest } from '../../../domain/inference.ts'
import { AppError } from '../../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../../kernel/json.ts'
import { readInferenceRequest } from '../openai-wire.ts'
import { unsupported } from '../unsupported.ts'
import {
  invalid,
  isObject,
  located,
  type Members,
  readBoolean,
  readCount,
  readModel,
  readUser,
} from '../wire-members.ts'
import { translateItems } from './items.ts'

const MOST_OUTPUT_TOKENS = 10_000_000
const MOST_METADATA = 16
/** Members whose repetition would let two parsers disagree on who pays for what. */
const decisiveMembers = [
  'model',
  'input',
  'instructions',
  'max_output_tokens',
  'stream',
  'background',
  'store',
  'user',
  'safe',
]

/** Members that cannot be had of any provider here, and what to do instead. */
const refused: Readonly<Record<string, string>> = {
  conversation: 'Go on from the response before: previous_response_id.',
  prompt: 'Send the prompt itself as input and instructions.',
  context_management: 'Leave out what the model need not know any more.',
  moderation: 'Ask POST /v1/moderations.',
}

/** Members that are translated, echoed or this house's own; and those that lose nothing by being left out. */
const known = new Set([
  ...['model', 'input', 'instructions', 'max_output_tokens', 'stream', 'stream_options', 'background', 'store', 'user'],
  ...['previous_response_id', 'metadata', 'tools', 'tool_choice', 'parallel_tool_calls', 'text', 'reasoning', 'strict'],
  ...['temperature', 'top_p', 'service_tier', 'max_tool_calls', 'prompt_cache_key', 'prompt_cache_options'],
  ...['prompt_cache_retention', 'safety_identifier', 'safe', ...Object.keys(refused)],
])

/** A body of the Responses API as read, before what came earlier in the conversation is known. */
export interface ResponseRequest {
  readonly model: string
  readonly previousId: string | null
  /** Items of this request alone. */
  readonly input: readonly unknown[]
  readonly stream: boolean
  readonly background: boolean
  readonly store: boolean
  /** The other members. */
  readonly body: Members
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

const readMetadata = ({ metadata }: Members): void => {
  if (!isGiven(metadata)) return
  const fix = 'Write up to 16 names with texts.'
  if (!isObject(metadata) || Object.keys(metadata).length > MOST_METADATA)
    throw invalid('metadata', 'must be an object of at most 16 members', fix)
  for (const [name, value] of Object.entries(metadata))
    if (typeof value !== 'string' || value.length > 512 || name.length > 64)
      throw invalid(`metadata.${name.slice(0, 64)}`, 'must be a text of at most 512 characters', fix)
}

const readInput = ({ input }: Members): readonly unknown[] => {
  if (typeof input === 'string' && input.trim() !== '') return [{ type: 'message', role: 'user', content: input }]
  if (Array.isArray(input) && input.length > 0) return input as unknown[]
  const fix = 'Write "input": "some text".'
  if (isGiven(input) && typeof input !== 'string' && !Array.isArray(input))
    throw invalid('input', 'must be a string or a list of items', fix)
  throw new AppError('prompt_empty', located('input', fix))
}

/** Reads what is asked for. @throws AppError of the request family. */
export const readResponseRequest = (bytes: Buffer): ResponseRequest => {
  const { duplicates } = outlineJson(bytes)
  const body = parseJson(bytes)
  if (!isObject(body)) throw invalid('body', 'must be a JSON object', 'Write {"model": "…", …}.')
  const repeated = duplicates.find((name) => decisiveMembers.includes(name))
  if (repeated !== undefined)
    throw new AppError('duplicate_parameter', located(repeated, 'Send it once.', 'stands more than once'))
  for (const [name, fix] of Object.entries(refused)) if (isGiven(body[name])) throw unsupported(name, fix)
  readMetadata(body)
  const { previous_response_id: previous } = body
  if (isGiven(previous) && (typeof previous !== 'string' || previous.length > 64))
    throw invalid('previous_response_id', 'must be the id of a response', 'Send the id as the response told it.')
  const background = readBoolean(body, 'background')
  const store = !isGiven(body['store']) || readBoolean(body, 'store')
  if (background && !store)
    throw invalid('store', 'must not be false with background', 'Leave store out: what runs on is read afterwards.')
  const model = readModel(body)
  const input = readInput(body)
  const previousId = typeof previous === 'string' ? previous : null
  const { input: _input, ...others } = body
  return { model, previousId, input, stream: readBoolean(body, 'stream'), background, store, body: others }
}

const functionTool = (tool: unknown, index: number): Members => {
  const location = `tools[${index}]`
  if (!isObject(tool)) throw invalid(location, 'must be an object', 'Write {"type": "function", "name": "…"}.')
  const { type, name, description, parameters, strict } = tool
  if (type !== 'function')
    throw unsupported(`${location}.type`, 'Tools that a provider runs itself are billed apart; use functions.')
  if (typeof name !== 'string') throw invalid(`${location}.name`, 'must be a string', 'Name the function.')
  const described = { name, ...(isGiven(description) && { description }), ...(isGiven(parameters) && { parameters }) }
  return { type, function: { ...described, ...(typeof strict === 'boolean' && { strict }) } }
}

const named = (tool: unknown): unknown =>
  isObject(tool) && tool['type'] === 'function' ? { type: 'function', function: { name: tool['name'] } } : tool

const translateChoice = (choice: unknown): unknown => {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice
  if (isObject(choice) && choice['type'] === 'function') return named(choice)
  if (isObject(choice) && choice['type'] === 'allowed_tools' && Array.isArray(choice['tools']))
    return { type: 'allowed_tools', allowed_tools: { mode: choice['mode'], tools: choice['tools'].map(named) } }
  throw unsupported('tool_choice', 'Write auto, none, required, or name a function.')
}

const translateTools = ({ tools, tool_choice: choice, parallel_tool_calls: parallel }: Members): Members => {
  if (!isGiven(tools)) return {}
  if (!Array.isArray(tools)) throw invalid('tools', 'must be a list', 'Write [{"type": "function", "name": "…"}].')
  if (tools.length === 0) return {}
  return {
    tools: tools.map(functionTool),
    ...(isGiven(choice) && { tool_choice: translateChoice(choice) }),
    ...(parallel === false && { parallel_tool_calls: false }),
  }
}

const translateText = ({ text }: Members): Members => {
  if (!isObject(text)) return {}
  const { format, verbosity } = text
  const more = isGiven(verbosity) ? { verbosity } : {}
  if (!isObject(format) || format['type'] === 'text') return more
  if (format['type'] === 'json_object') return { ...more, response_format: { type: 'json_object' } }
  if (format['type'] !== 'json_schema' || !isObject(format['schema']))
    throw invalid('text.format', 'is not known', 'Write {"type": "json_schema", "name": "…", "schema": {…}}.')
  const { type, ...schema } = format
  return { ...more, response_format: { type, json_schema: schema } }
}

const translateReasoning = ({ reasoning }: Members, lost: string[]): Members => {
  if (!isObject(reasoning)) return {}
  // A summary comes where a model tells one, asked or not.
  for (const name of Object.keys(reasoning))
    if (!['effort', 'summary', 'generate_summary'].includes(name) && isGiven(reasoning[name]))
      lost.push(`reasoning.${name}`)
  return isGiven(reasoning['effort']) ? { reasoning_effort: reasoning['effort'] } : {}
}

/** Members whose usual value asks for nothing. */
const idle = new Map<string, (value: unknown) => boolean>([
  ['include', (value) => Array.isArray(value) && value.every((one) => one === 'reasoning.encrypted_content')],
  ['truncation', (value) => value === 'disabled'],
  ['top_logprobs', (value) => value === 0],
])

/**
 * The chat request that a request of the Responses API comes to, after the items of the conversation before it.
 * @throws AppError of the request family.
 */
export const translateResponseRequest = (
  { model, input, body, ...asked }: ResponseRequest,
  history: readonly unknown[],
): InferenceRequest => {
  // What runs in the background is asked for as a stream, too.
  const stream = asked.stream || asked.background
  const lost = Object.keys(body).filter(
    (name) => !known.has(name) && isGiven(body[name]) && idle.get(name)?.(body[name]) !== true,
  )
  const { instructions, temperature, top_p, service_tier: tier } = body
  if (isGiven(instructions) && typeof instructions !== 'string')
    throw invalid('instructions', 'must be a string', 'Say in words what the model shall be.')
  const cap = readCount(body, 'max_output_tokens', MOST_OUTPUT_TOKENS)
  const user = readUser(body)
  const translated = {
    model,
    messages: [
      ...(isGiven(instructions) ? [{ role: 'system', content: instructions }] : []),
      ...translateItems(history, 'previous_response_id'),
      ...translateItems(input),
    ],
    ...(cap !== null && { max_tokens: cap }),
    ...(stream && { stream, stream_options: { include_usage: true } }),
    ...translateTools(body),
    ...translateText(body),
    ...translateReasoning(body, lost),
    ...(isGiven(temperature) && { temperature }),
    ...(isGiven(top_p) && { top_p }),
    ...(isGiven(tier) && { service_tier: tier }),
    ...(user !== null && { user }),
    ...('safe' in body && { safe: body['safe'] }),
  }
  const request = readInferenceRequest('chat', Buffer.from(JSON.stringify(translated).toWellFormed()))
  return { ...request, translation: { lost, strict: readBoolean(body, 'strict') } }
}
