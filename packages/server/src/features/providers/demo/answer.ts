import { noUsage, type Usage } from '../../../domain/usage.ts'
import { exampleOf } from './schema-example.ts'
import { type DemoToolCall, type DemoTools, callTools } from './tool-calls.ts'

/** What the demo reads of a chat request. */
export interface DemoChat extends DemoTools {
  readonly messages: readonly { readonly role?: unknown; readonly content?: unknown }[]
  readonly response_format?: { readonly type?: unknown; readonly json_schema?: { readonly schema?: unknown } } | null
  readonly n?: number | null
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
}

const QUOTED_CHARACTERS = 200
/** Tokens of the frame around one message. */
const MESSAGE_TOKENS = 3
const IMAGE_TOKENS = 85

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

const toolTokens = (call: DemoToolCall): number => 1 + demoTokens(call.arguments).length

const imagesIn = (content: unknown): number =>
  Array.isArray(content)
    ? content.filter((part) => (part as { type?: unknown } | null)?.type === 'image_url').length
    : 0

const quote = (content: unknown): string => `“${shorten(textOf(content).replace(/\s+/g, ' ').trim())}”`

/** The simulated answer of one choice, in tokens, with what it cost. With tool calls there is no text. */
export interface DemoAnswer {
  readonly tokens: readonly string[]
  readonly toolCalls: readonly DemoToolCall[]
  readonly choices: number
  readonly finish: 'stop' | 'length' | 'tool_calls'
  readonly usage: Usage
}

const sentence = ({ messages }: DemoChat): string => {
  const asked = messages.findLast(({ role }) => role === 'user') ?? messages.at(-1)
  const images = imagesIn(asked?.content)
  const afterTools = messages.slice(messages.findLastIndex(({ role }) => role !== 'tool') + 1)
  return [
    'This is a simulated answer from the demo model of Headgate; no AI was asked.',
    `You said: ${quote(asked?.content)}.`,
    ...(images > 0 ? [`With it came ${images === 1 ? 'an image' : `${images} images`}.`] : []),
    ...(afterTools.length > 0
      ? [`Tools answered: ${afterTools.map(({ content }) => quote(content)).join(', ')}.`]
      : []),
    'Configure a provider to get real answers.',
  ].join(' ')
}

const textFor = (chat: DemoChat): string => {
  const format = chat.response_format
  if (format?.type === 'json_schema') return JSON.stringify(exampleOf(format.json_schema?.schema))
  if (format?.type === 'json_object') return JSON.stringify({ simulated: true, answer: sentence(chat) })
  return sentence(chat)
}

/**
 * Says plainly that nobody thought about it, and gives back what was asked so that wiring can be seen to work. Offered tools
 * are called, and a wanted JSON schema is filled in, with simulated values.
 */
export const answerDemo = (chat: DemoChat): DemoAnswer => {
  const limit = chat.max_completion_tokens ?? chat.max_tokens ?? Number.POSITIVE_INFINITY
  const choices = chat.n ?? 1
  const inputTokens = chat.messages.reduce(
    (sum, { content }) => sum + MESSAGE_TOKENS + demoTokens(textOf(content)).length + IMAGE_TOKENS * imagesIn(content),
    0,
  )
  const answer = (tokens: readonly string[], toolCalls: readonly DemoToolCall[], finish: DemoAnswer['finish']) => {
    const called = toolCalls.reduce((sum, call) => sum + toolTokens(call), 0)
    const outputTokens = (tokens.length + called) * choices
    const usage = { ...noUsage, inputTokens, outputTokens }
    return { tokens, toolCalls, choices, finish, usage }
  }
  const toolCalls = callTools(chat)
  const needed = toolCalls.reduce((sum, call) => sum + toolTokens(call), 0)
  if (toolCalls.length > 0 && needed <= limit) return answer([], toolCalls, 'tool_calls')
  const whole = demoTokens(textFor(chat))
  return answer(whole.slice(0, limit), [], whole.length > limit ? 'length' : 'stop')
}

/** Usage in OpenAI's shape. */
export const wireUsage = ({ inputTokens, outputTokens }: Usage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
})
