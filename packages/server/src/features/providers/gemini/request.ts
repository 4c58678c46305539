import { createLosses, invalid, type Losses, unsupported } from '../translation/losses.ts'
import { readStrict, sift } from '../translation/parameter-rules.ts'
import { isObject, listOf, type Members, readFormat, readToolChoice } from '../translation/parts.ts'
import type { TranslatableRequest, TranslatedRequest } from '../translation/translated-request.ts'
import { translateContents } from './contents.ts'
import { ruleOf } from './parameters.ts'

/** The levels of Gemini 3 and later, and the budgets before it, for each effort (ai.google.dev/gemini-api/docs/openai, “Thinking”). */
const efforts: Readonly<Record<string, { readonly level: string; readonly budget: number }>> = {
  none: { level: 'minimal', budget: 0 },
  minimal: { level: 'minimal', budget: 1_024 },
  low: { level: 'low', budget: 1_024 },
  medium: { level: 'medium', budget: 8_192 },
  high: { level: 'high', budget: 24_576 },
  xhigh: { level: 'high', budget: 24_576 },
  max: { level: 'high', budget: 24_576 },
}

const hasBudget = (model: string): boolean => /gemini-(1|2)\b/.test(model)

const translateThinking = ({ reasoning_effort: asked }: Members, model: string, losses: Losses): Members => {
  if (asked === undefined || asked === null) return {}
  const effort = typeof asked === 'string' && Object.hasOwn(efforts, asked) ? efforts[asked] : undefined
  if (effort === undefined) {
    losses.note('reasoning_effort', 'Write none, minimal, low, medium, high, xhigh or max.')
    return {}
  }
  if (asked === 'none' && !hasBudget(model))
    losses.note('reasoning_effort', 'This model always thinks; it thinks least.')
  const amount = hasBudget(model) ? { thinkingBudget: effort.budget } : { thinkingLevel: effort.level }
  return { thinkingConfig: { ...amount, ...(asked !== 'none' && { includeThoughts: true }) } }
}

const translateFormat = (body: Members): Members => {
  const format = readFormat(body)
  if (format === null) return {}
  const schema = format === 'json' ? {} : { responseJsonSchema: format['schema'] }
  return { responseMimeType: 'application/json', ...schema }
}

const numbers = {
  temperature: 'temperature',
  top_p: 'topP',
  seed: 'seed',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  n: 'candidateCount',
} as const

/** Members that are a number in both protocols. */
const translateNumbers = (body: Members): Members =>
  Object.fromEntries(
    Object.entries(numbers).flatMap(([name, theirs]) =>
      typeof body[name] === 'number' && !(name === 'n' && body[name] === 1) ? [[theirs, body[name]]] : [],
    ),
  )

const translateStop = ({ stop }: Members): Members => {
  if (stop === undefined || stop === null) return {}
  return { stopSequences: Array.isArray(stop) ? stop : [stop] }
}

const declaration = (tool: unknown, index: number): Members => {
  const described = isObject(tool) ? tool['function'] : undefined
  if (!isObject(tool) || tool['type'] !== 'function' || !isObject(described))
    throw unsupported([{ place: `tools[${index}].type`, why: 'Use tools of type function.' }])
  const { name, description, parameters } = described
  return {
    name,
    ...(typeof description === 'string' && { description }),
    ...(isObject(parameters) && { parametersJsonSchema: parameters }),
  }
}

const modes = { auto: 'AUTO', none: 'NONE', required: 'ANY' } as const

const translateTools = (body: Members, losses: Losses): Members => {
  if (body['tools'] !== undefined && body['tools'] !== null && !Array.isArray(body['tools']))
    throw invalid('tools', 'must be a list', 'Write [{"type": "function", …}].')
  const use = readToolChoice(body)
  const tools = listOf(body['tools']).map(declaration)
  // Names may be restricted in mode ANY only; elsewhere the others are not offered.
  const offered =
    use?.mode === 'auto' && use.names !== null ? tools.filter(({ name }) => use.names?.includes(name as string)) : tools
  if (offered.length === 0) {
    if (use?.mode === 'required') losses.note('tool_choice', 'Send the tools that may be chosen.')
    return {}
  }
  const allowed = use?.mode === 'required' && use.names !== null ? { allowedFunctionNames: use.names } : {}
  return {
    tools: [{ functionDeclarations: offered }],
    ...(use !== null && { toolConfig: { functionCallingConfig: { mode: modes[use.mode], ...allowed } } }),
  }
}

/**
 * An OpenAI chat request as a `generateContent` request (ai.google.dev/api/generate-content).
 * @throws ProviderFault `unsupported_parameter` for what cannot be given to Gemini at all, or, where the caller says
 * `strict: true`, for anything that would be left out; `invalid_parameter` for what is not OpenAI's protocol.
 */
export const translateRequest = (request: TranslatableRequest, model: string, _: null): TranslatedRequest => {
  const body = JSON.parse(request.body.toString('utf8')) as Members
  const losses = createLosses()
  const isStrict = readStrict(body)
  sift(body, ruleOf, losses)
  const { system, contents } = translateContents(body['messages'], losses)
  const config = {
    ...(request.maxOutputTokens !== null && { maxOutputTokens: request.maxOutputTokens }),
    ...translateNumbers(body),
    ...translateStop(body),
    ...translateFormat(body),
    ...translateThinking(body, model, losses),
  }
  const translated = {
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    contents,
    ...translateTools(body, losses),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
  }
  if (isStrict) losses.refuse()
  return { body: Buffer.from(JSON.stringify(translated)), warning: losses.warning }
}
