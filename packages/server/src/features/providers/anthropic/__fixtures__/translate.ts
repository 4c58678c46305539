import { expect } from 'vitest'
import { requestOf } from '../../__fixtures__/setting.ts'
import { translateRequest } from '../request.ts'
import type { TranslationSetting } from '../translation.ts'
import { currentAbilities } from '../thinking.ts'

const current: TranslationSetting = { sampling: false, abilities: currentAbilities }

/** A chat request of these members, as it would go to Anthropic. */
export const translate = (body: Record<string, unknown>, setting: Partial<TranslationSetting> = {}) => {
  const asked = { model: 'claude/x', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100, ...body }
  const { body: bytes, warning } = translateRequest(requestOf(JSON.stringify(asked)), 'x', { ...current, ...setting })
  return { body: JSON.parse(bytes.toString()) as Record<string, unknown>, warning }
}

/** The turns that a conversation becomes. */
export const turns = (messages: unknown[]) => translate({ messages }).body['messages']

interface Refusal {
  readonly code: string
  readonly options: { readonly details: readonly { location: string; fix: string }[] }
}

/** The code of the refusal that a request must meet, and the places that it names. */
export const refusalOf = (body: Record<string, unknown>, setting: Partial<TranslationSetting> = {}): [string, string[]] => {
  try {
    translate(body, setting)
  } catch (error) {
    const { code, options } = error as Refusal
    for (const { fix } of options.details) expect(fix).not.toBe('')
    return [code, options.details.map(({ location }) => location)]
  }
  throw new Error('expected a refusal')
}

