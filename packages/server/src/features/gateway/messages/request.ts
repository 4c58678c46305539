import { type InferenceRequest, type MemberSpan, replaceSpan } from '../../../domain/inference.ts'
import { AppError } from '../../../kernel/errors.ts'
import { memberWithName, outlineJson, parseJson } from '../../../kernel/json.ts'
import { readInferenceRequest } from '../openai-wire.ts'
import { invalid, isObject, located, type Members, readBoolean, readCount, readModel } from '../wire-members.ts'
import { unsupported } from '../unsupported.ts'
import { translateTurns } from './turns.ts'

const MOST_OUTPUT_TOKENS = 10_000_000
/** Members whose repetition would let two parsers disagree on who pays for what. */
const decisiveMembers = ['model', 'messages', 'system', 'max_tokens', 'stream', 'metadata', 'safe']

/** Members that would have the provider do, and bill, more than the call; and what their values may be all the same. */
const refused: Readonly<Record<string, { readonly fix: string; readonly idle?: unknown }>> = {
  container: { fix: 'It serves tools that the provider runs itself, which are billed apart.' },
  mcp_servers: { fix: 'It serves tools that the provider runs itself, which are billed apart.' },
  inference_geo: { fix: 'It changes the price; the operator chooses the region of the workspace.' },
  speed: { fix: 'It changes the price.', idle: 'standard' },
  user_profile_id: { fix: 'The operator sets it under `headers` of the provider.' },
  workspace_id: { fix: 'The operator sets it under `headers` of the provider.' },
}

/** Members of the protocol that are translated, or lose nothing by being left out: caching is each provider's own. */
const known = new Set([
  ...['model', 'messages', 'system', 'max_tokens', 'stream', 'metadata', 'stop_sequences', 'temperature', 'top_p'],
  ...[
    'tools',
    'tool_choice',
    'output_config',
    'service_tier',
    'cache_control',
    'strict',
    'safe',
    ...Object.keys(refused),
  ],
])

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

const functionTool = (tool: unknown, index: number): Members => {
  const location = `tools[${index}]`
  if (!isObject(tool)) throw invalid(location, 'must be an object', 'Write {"name": "…", "input_schema": {…}}.')
  if (isGiven(tool['type']) && tool['type'] !== 'custom')
    throw unsupported(`${location}.type`, 'Tools that the provider runs itself are billed apart; use your own.')
  const { name, description, input_schema: parameters, strict } = tool
  if (typeof name !== 'string') throw invalid(`${location}.name`, 'must be a string', 'Name the tool.')
  const described = { name, ...(isGiven(description) && { description }), ...(strict === true && { strict }) }
  return { type: 'function', function: { ...described, ...(isGiven(parameters) && { parameters }) } }
}

const choices = new Map<unknown, unknown>([
  ['auto', 'auto'],
  ['any', 'required'],
  ['none', 'none'],
])

const translateTools = ({ tools, tool_choice: choice }: Members): Members => {
  if (!isGiven(tools)) return {}
  if (!Array.isArray(tools)) throw invalid('tools', 'must be a list', 'Write [{"name": "…", "input_schema": {…}}].')
  if (tools.length === 0) return {}
  const given = { tools: tools.map(functionTool) }
  if (!isGiven(choice)) return given
  if (!isObject(choice)) throw invalid('tool_choice', 'must be an object', 'Write {"type": "auto"}.')
  const { type, name, disable_parallel_tool_use: isAlone } = choice
  const named = type === 'tool' ? { type: 'function', function: { name } } : choices.get(type)
  if (named === undefined) throw invalid('tool_choice.type', 'is not known', 'Write auto, any, tool or none.')
  return { ...given, tool_choice: named, ...(isAlone === true && { parallel_tool_calls: false }) }
}

const translateOutput = ({ output_config: config, thinking }: Members, lost: string[]): Members => {
  // How deep a model thinks by itself is told by its effort; a budget of tokens has no counterpart.
  if (isObject(thinking) && thinking['type'] !== 'disabled') lost.push('thinking')
  if (!isObject(config)) return {}
  const { effort, format } = config
  for (const name of Object.keys(config)) if (name !== 'effort' && name !== 'format') lost.push(`output_config.${name}`)
  const schema = isObject(format) && format['type'] === 'json_schema' ? format['schema'] : undefined
  if (isGiven(format) && schema === undefined) lost.push('output_config.format')
  return {
    ...(isGiven(effort) && { reasoning_effort: effort }),
    ...(schema !== undefined && {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    }),
  }
}

const userOf = ({ metadata }: Members): Members => {
  const id = isObject(metadata) ? metadata['user_id'] : undefined
  return typeof id === 'string' && id !== '' ? { user: id } : {}
}

const refuse = (body: Members): void => {
  for (const [name, { fix, idle }] of Object.entries(refused))
    if (isGiven(body[name]) && body[name] !== idle) throw unsupported(name, fix)
}

/** What was written but for the wish that is this house's own, which no provider knows. */
const withoutWish = (bytes: Buffer, wish: MemberSpan | undefined): Buffer => {
  if (wish === undefined) return bytes
  const { start, end } = memberWithName(bytes, wish)
  return replaceSpan(bytes, start, end, '')
}

/**
 * Reads a body in the wire format of Anthropic's Messages API. The request is its translation, which keeps what was
 * written, for providers that speak it.
 * @param isCounted of a question for tokens, which names no cap.
 * @throws AppError of the request family.
 */
export const readMessagesRequest = (bytes: Buffer, isCounted = false): InferenceRequest => {
  const { duplicates, members } = outlineJson(bytes)
  const body = parseJson(bytes)
  if (!isObject(body)) throw invalid('body', 'must be a JSON object', 'Write {"model": "…", …}.')
  const repeated = duplicates.find((name) => decisiveMembers.includes(name))
  if (repeated !== undefined)
    throw new AppError('duplicate_parameter', located(repeated, 'Send it once.', 'stands more than once'))
  refuse(body)
  const model = readModel(body)
  const cap = readCount(body, 'max_tokens', MOST_OUTPUT_TOKENS)
  if (cap === null && !isCounted) throw invalid('max_tokens', 'is missing', 'Write the most tokens of the answer.')
  const stream = readBoolean(body, 'stream') && !isCounted
  const strict = readBoolean(body, 'strict')
  const lost = Object.keys(body).filter((name) => !known.has(name) && name !== 'thinking' && isGiven(body[name]))
  const { stop_sequences: stop, temperature, top_p, service_tier: tier } = body
  const translated = {
    model,
    messages: translateTurns(body, lost),
    ...(cap !== null && { max_tokens: cap }),
    ...(stream && { stream, stream_options: { include_usage: true } }),
    ...translateTools(body),
    ...translateOutput(body, lost),
    ...(Array.isArray(stop) && stop.length > 0 && { stop }),
    ...(isGiven(temperature) && { temperature }),
    ...(isGiven(top_p) && { top_p }),
    ...(tier === 'standard_only' && { service_tier: 'default' }),
    ...userOf(body),
    ...('safe' in body && !isCounted && { safe: body['safe'] }),
  }
  const request = readInferenceRequest('chat', Buffer.from(JSON.stringify(translated).toWellFormed()))
  return { ...request, translation: { lost, strict, messages: withoutWish(bytes, members.get('safe')) } }
}
