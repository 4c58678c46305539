import { createLosses, invalid, type Losses, unsupported } from '../translation/losses.ts'
import { readStrict, sift } from '../translation/parameter-rules.ts'
import { isObject, listOf, type Members, membersOf, readFormat, readToolChoice } from '../translation/parts.ts'
import type { TranslatableRequest, TranslatedRequest } from '../translation/translated-request.ts'
import { translateMessages } from './messages.ts'
import { ruleOf } from './parameters.ts'

const inferenceConfig = (body: Members, maxTokens: number | null, losses: Losses): Members => {
  const { temperature, top_p: topP, stop } = body
  const isHigh = typeof temperature === 'number' && temperature > 1
  if (isHigh) losses.note('temperature', 'It was lowered to 1, the most that this provider takes.')
  return {
    ...(maxTokens !== null && { maxTokens }),
    ...(typeof temperature === 'number' && { temperature: isHigh ? 1 : temperature }),
    ...(typeof topP === 'number' && { topP }),
    ...(stop !== undefined && stop !== null && { stopSequences: Array.isArray(stop) ? stop : [stop] }),
  }
}

const toolSpec = (tool: unknown, index: number): { name: unknown; block: Members } => {
  const described = isObject(tool) ? tool['function'] : undefined
  if (!isObject(tool) || tool['type'] !== 'function' || !isObject(described))
    throw unsupported([{ place: `tools[${index}].type`, why: 'Use tools of type function.' }])
  const { name, description, parameters, strict } = described
  const spec = {
    name,
    ...(typeof description === 'string' && description !== '' && { description }),
    inputSchema: {
      json: isObject(parameters) ? { type: 'object', ...parameters } : { type: 'object', properties: {} },
    },
    ...(strict === true && { strict: true }),
  }
  return { name, block: { toolSpec: spec } }
}

const holdsTools = (messages: readonly { readonly content: readonly Members[] }[]): boolean =>
  messages.some(({ content }) => content.some((block) => 'toolUse' in block || 'toolResult' in block))

/** Tools and what is said of their use; nothing where there are no tools. */
const translateTools = (body: Members, isUnderWay: boolean, losses: Losses): Members => {
  if (body['tools'] !== undefined && body['tools'] !== null && !Array.isArray(body['tools']))
    throw invalid('tools', 'must be a list', 'Write [{"type": "function", …}].')
  const use = readToolChoice(body)
  const all = listOf(body['tools']).map(toolSpec)
  const offered = use?.names ? all.filter(({ name }) => use.names?.includes(name as string)) : all
  if (offered.length === 0) {
    if (use?.mode === 'required') losses.note('tool_choice', 'Send the tools that may be chosen.')
    return {}
  }
  if (use?.mode === 'none') {
    // A conversation that holds calls must name its tools, and there is no way to say that none may be called.
    if (!isUnderWay) return {}
    losses.note('tool_choice', 'Ask in the prompt for an answer without tools.')
  }
  const isOne = use?.mode === 'required' && use.names?.length === 1
  const choice = isOne ? { tool: { name: use.names?.[0] } } : { any: {} }
  return {
    toolConfig: {
      tools: offered.map(({ block }) => block),
      ...(use?.mode === 'required' && { toolChoice: choice }),
    },
  }
}

/** Structured output (docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html): the schema goes as a text. */
const translateFormat = (body: Members, losses: Losses): Members => {
  const format = readFormat(body)
  if (format === null) return {}
  if (format === 'json') {
    losses.note('response_format', 'Use json_schema: this provider has no free-form JSON mode.')
    return {}
  }
  const { name, description, schema } = format
  const described = {
    schema: JSON.stringify(schema),
    ...(typeof name === 'string' && { name }),
    ...(typeof description === 'string' && { description }),
  }
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: described } } } }
}

const additionalFields = (body: Members, model: string, losses: Losses): Members => {
  const { reasoning_effort: effort, additionalModelRequestFields: given } = body
  const fields: Record<string, unknown> = { ...membersOf(given) }
  if (effort !== undefined && effort !== null) {
    if (/(^|\.)openai\./.test(model)) fields['reasoning_effort'] = effort
    else losses.note('reasoning_effort', 'Write what the model knows into additionalModelRequestFields.')
  }
  return Object.keys(fields).length > 0 ? { additionalModelRequestFields: fields } : {}
}

/**
 * An OpenAI chat request as a `Converse` request (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
 * @throws ProviderFault `unsupported_parameter` for what cannot be given to Bedrock at all, or, where the caller says
 * `strict: true`, for anything that would be left out; `invalid_parameter` for what is not OpenAI's protocol.
 */
export const translateRequest = (request: TranslatableRequest, model: string, _: null): TranslatedRequest => {
  const body = JSON.parse(request.body.toString('utf8')) as Members
  const losses = createLosses()
  const isStrict = readStrict(body)
  sift(body, ruleOf, losses)
  const { system, messages } = translateMessages(body['messages'], losses)
  const config = inferenceConfig(body, request.maxOutputTokens, losses)
  const translated = {
    messages,
    ...(system.length > 0 && { system }),
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...translateTools(body, holdsTools(messages), losses),
    ...translateFormat(body, losses),
    ...additionalFields(body, model, losses),
  }
  if (isStrict) losses.refuse()
  return { body: Buffer.from(JSON.stringify(translated)), warning: losses.warning }
}
