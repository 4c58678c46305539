import { defaultOutputCap } from '../../../domain/inference.ts'
import { createLosses } from '../translation/losses.ts'
import { isObject, type Members } from '../translation/parts.ts'
import type { TranslatableRequest, TranslatedRequest } from '../translation/translated-request.ts'
import { ruleOf } from './parameters.ts'
import type { TranslationSetting } from './translation.ts'

/** Thinking of a model elsewhere, told as a block here, has no signature, and without one Anthropic refuses it. */
const isForeign = (block: unknown): boolean =>
  isObject(block) && block['type'] === 'thinking' && (block['signature'] ?? '') === ''

const withoutForeign = (message: unknown): unknown => {
  if (!isObject(message) || !Array.isArray(message['content']) || !message['content'].some(isForeign)) return message
  return { ...message, content: message['content'].filter((block: unknown) => !isForeign(block)) }
}

/**
 * A request that was written in Messages: as it was written, but for the model, the cap that it was admitted with, and
 * members that the API version no longer has.
 */
export const adoptMessages = (
  written: Buffer,
  { stream, maxOutputTokens, translation }: TranslatableRequest,
  model: string,
  { sampling }: TranslationSetting,
): TranslatedRequest => {
  const { strict: _own, temperature, top_p, messages, ...rest } = JSON.parse(written.toString('utf8')) as Members
  const losses = createLosses()
  const given = Object.entries({ temperature, top_p }).filter(([, value]) => value !== undefined && value !== null)
  if (!sampling)
    for (const [name, value] of given) {
      const rule = ruleOf(name)
      if (rule.idle?.(value) !== true) losses.note(name, rule.note)
    }
  if (translation?.strict === true) losses.refuse()
  const adopted = {
    ...rest,
    ...(sampling && Object.fromEntries(given)),
    messages: Array.isArray(messages) ? messages.map(withoutForeign) : messages,
    model,
    max_tokens: maxOutputTokens ?? defaultOutputCap,
    ...(stream && { stream }),
  }
  return { body: Buffer.from(JSON.stringify(adopted).toWellFormed()), warning: losses.warning }
}
