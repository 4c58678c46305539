import { defaultOutputCap } from '../../../domain/inference.ts'
import { isObject, type Members } from '../translation/parts.ts'
import { type Block } from './content.ts'
import { createLosses, invalid, type Losses } from '../translation/losses.ts'
import { readStrict, sift, to } from '../translation/parameter-rules.ts'
import type { TranslatableRequest, TranslatedRequest } from '../translation/translated-request.ts'
import { translateMessages } from './messages.ts'
import { adoptMessages } from './native.ts'
import { ruleOf } from './parameters.ts'
import { outputSchema } from './schema.ts'
import { translateEffort } from './thinking.ts'
import { translateTools } from './tools.ts'
import type { TranslationSetting } from './translation.ts'

/** Members that Anthropic gets as they are. */
const passedOn = ['cache_control', 'diagnostics'] as const

const isSampling = (name: string): boolean => name === 'temperature' || name === 'top_p'

/** Anthropic's `temperature` ends at 1, OpenAI's at 2. */
const translateSampling = (body: Members, { sampling }: TranslationSetting, losses: Losses): Block => {
  if (!sampling) return {}
  const { temperature, top_p } = body
  const isHigh = typeof temperature === 'number' && temperature > 1
  if (isHigh) losses.note('temperature', 'It was lowered to 1, the most that this provider takes.')
  return {
    ...(typeof temperature === 'number' && { temperature: isHigh ? 1 : temperature }),
    ...(typeof top_p === 'number' && { top_p }),
  }
}

const translateStop = ({ stop }: Members, losses: Losses): Block => {
  if (stop === undefined || stop === null) return {}
  const given = Array.isArray(stop) ? (stop as unknown[]) : [stop]
  const usable = given.filter((sequence) => typeof sequence === 'string' && sequence.trim() !== '')
  if (usable.length < given.length) losses.note('stop', 'Sequences of white space only cannot be sent.')
  return usable.length > 0 ? { stop_sequences: usable } : {}
}

const translateFormat = ({ response_format: format }: Members, losses: Losses): Block => {
  if (format === undefined || format === null) return {}
  if (!isObject(format)) throw invalid('response_format', 'must be an object', 'Write {"type": "json_schema", …}.')
  if (format['type'] === 'text') return {}
  if (format['type'] === 'json_schema') {
    const described = format['json_schema']
    if (!isObject(described) || !isObject(described['schema']))
      throw invalid('response_format.json_schema.schema', 'must be an object', 'Send a JSON schema.')
    return { format: { type: 'json_schema', schema: outputSchema(described['schema']) } }
  }
  losses.note('response_format', 'Use json_schema: this provider has no free-form JSON mode.')
  return {}
}

const translateTier = ({ service_tier: tier }: Members, losses: Losses): Block => {
  if (tier === 'auto') return { service_tier: 'auto' }
  if (tier === 'default') return { service_tier: 'standard_only' }
  if (tier !== undefined && tier !== null) losses.note('service_tier', 'Write auto or default.')
  return {}
}

const translateUser = ({ safety_identifier: identifier, user }: Members): Block => {
  const id = identifier ?? user
  return typeof id === 'string' && id !== '' ? { metadata: { user_id: id } } : {}
}

const translateReasoning = (
  body: Members,
  { abilities }: TranslationSetting,
  maxTokens: number,
  losses: Losses,
): Block => {
  const given = isObject(body['output_config']) ? body['output_config'] : {}
  const { thinking, effort } = translateEffort(body['reasoning_effort'], abilities, maxTokens, losses)
  const config = { ...given, ...translateFormat(body, losses), ...(effort !== undefined && { effort }) }
  const own = body['thinking']
  return {
    ...((isObject(own) || thinking !== undefined) && { thinking: isObject(own) ? own : thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
  }
}

/**
 * An OpenAI chat request as a Messages request.
 * @throws ProviderFault `unsupported_parameter` for what cannot be given to Anthropic at all, or, where the caller says
 * `strict: true`, for anything that would be left out; `invalid_parameter` for what is not OpenAI's protocol.
 */
export const translateRequest = (
  request: TranslatableRequest,
  model: string,
  setting: TranslationSetting,
): TranslatedRequest => {
  if (request.translation?.messages !== undefined)
    return adoptMessages(request.translation.messages, request, model, setting)
  const body = JSON.parse(request.body.toString('utf8')) as Members
  const losses = createLosses()
  const isStrict = readStrict(body)
  const rule = (name: string) => (setting.sampling && isSampling(name) ? to('As it is.') : ruleOf(name))
  sift(body, rule, losses)
  const maxTokens = request.maxOutputTokens ?? defaultOutputCap
  const { system, messages } = translateMessages(body['messages'], losses)
  const translated = {
    model,
    max_tokens: maxTokens,
    ...(request.stream && { stream: true }),
    ...(system.length > 0 && { system }),
    messages,
    ...translateTools(body, losses),
    ...translateReasoning(body, setting, maxTokens, losses),
    ...translateSampling(body, setting, losses),
    ...translateStop(body, losses),
    ...translateTier(body, losses),
    ...translateUser(body),
    ...Object.fromEntries(passedOn.flatMap((name) => (isObject(body[name]) ? [[name, body[name]]] : []))),
  }
  if (isStrict) losses.refuse()
  return { body: Buffer.from(JSON.stringify(translated)), warning: losses.warning }
}
