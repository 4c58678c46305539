import type { Usage } from '../../../domain/usage.ts'

/** What the demo reads of a chat request. */
export interface DemoChat {
  readonly messages: readonly { readonly role?: unknown; readonly content?: unknown }[]
  readonly n?: number | null
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
}

const QUOTED_CHARACTERS = 200
/** Tokens of the frame around one message. */
const MESSAGE_TOKENS = 3

/** The demo's own tokeniser: a word with the white space before it is one token. */
export const demoTokens = (text: string): readonly string[] => text.match(/\s*\S+|\s+$/g) ?? []

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map((part: unknown) => {
      const text = typeof part === 'object' && part !== null ? (part as { text?: unknown }).text : undefined
      return typeof text === 'string' ? text : ''
    })
    .join(' ')
}

const shorten = (text: string): string => {
  const characters = [...text]
  return characters.length <= QUOTED_CHARACTERS ? text : `${characters.slice(0, QUOTED_CHARACTERS).join('')}…`
}

/** The simulated answer of one choice, in tokens, with what it cost. */
export interface DemoAnswer {
  readonly tokens: readonly string[]
  readonly choices: number
  readonly finish: 'stop' | 'length'
  readonly usage: Usage
}

/** Says plainly that nobody thought about it, and gives back what was asked so that wiring can be seen to work. */
export const answerDemo = (chat: DemoChat): DemoAnswer => {
  const asked = chat.messages.findLast(({ role }) => role === 'user') ?? chat.messages.at(-1)
  const words = shorten(textOf(asked?.content).replace(/\s+/g, ' ').trim())
  const whole = demoTokens(
    `This is a simulated answer from the demo model of Headgate; no AI was asked. You said: “${words}”. ` +
      'Configure a provider to get real answers.',
  )
  const limit = chat.max_completion_tokens ?? chat.max_tokens ?? whole.length
  const tokens = whole.slice(0, limit)
  const choices = chat.n ?? 1
  const inputTokens = chat.messages.reduce(
    (sum, { content }) => sum + MESSAGE_TOKENS + demoTokens(textOf(content)).length,
    0,
  )
  return {
    tokens,
    choices,
    finish: tokens.length < whole.length ? 'length' : 'stop',
    usage: { inputTokens, cachedInputTokens: 0, outputTokens: tokens.length * choices, reasoningTokens: 0 },
  }
}

/** Usage in OpenAI's shape. */
export const wireUsage = ({ inputTokens, outputTokens }: Usage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})
