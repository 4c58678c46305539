import type { Usage } from '../../../domain/usage.ts'
import { ProviderFault } from '../provider.ts'
import { finishReason, refusalText } from './stop-reason.ts'
import { countedUsage, merge, openaiUsage } from './usage.ts'

type Block = Readonly<Record<string, unknown>>

const malformed = (): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const joined = (blocks: readonly Block[], type: string, member: string): string =>
  blocks
    .filter((block) => block['type'] === type)
    .map((block) => textOf(block[member]))
    .join('')

/** A body beyond what the call parses has been looked at from outside only. */
const parseMessage = (body: Buffer): Record<string, unknown> => {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch {
    throw malformed()
  }
}

/** A thinking block as it must be sent back: unchanged, with its signature. */
const isThinking = ({ type }: Block): boolean => type === 'thinking' || type === 'redacted_thinking'

/**
 * A whole Messages answer as a chat completion. Thinking is read out as `reasoning_content`, and kept as
 * `thinking_blocks` so that the next turn can give it back.
 * @param created seconds since the epoch: Anthropic does not say it.
 * @throws ProviderFault `upstream_malformed` when it is no message.
 */
export const translateAnswer = (body: Buffer, created: number): { body: Buffer; usage: Usage | null } => {
  const message = parseMessage(body)
  if (message['type'] !== 'message' || !Array.isArray(message['content'])) throw malformed()
  const blocks = message['content'].filter((block): block is Block => typeof block === 'object' && block !== null)
  const text = joined(blocks, 'text', 'text')
  const thinking = blocks.filter(isThinking)
  const reasoning = joined(blocks, 'thinking', 'thinking')
  const calls = blocks
    .filter((block) => block['type'] === 'tool_use')
    .map(({ id, name, input }) => ({
      id,
      type: 'function',
      function: { name, arguments: JSON.stringify(input ?? {}) },
    }))
  const usage = openaiUsage(merge({}, message['usage']))
  const completion = {
    id: message['id'],
    object: 'chat.completion',
    created,
    model: message['model'],
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && calls.length > 0 ? null : text,
          refusal: refusalText(message['stop_reason'], message['stop_details']),
          ...(calls.length > 0 && { tool_calls: calls }),
          ...(reasoning !== '' && { reasoning_content: reasoning }),
          ...(thinking.length > 0 && { thinking_blocks: thinking }),
        },
        logprobs: null,
        finish_reason: finishReason(message['stop_reason']),
      },
    ],
    ...(usage !== null && { usage }),
  }
  return { body: Buffer.from(JSON.stringify(completion)), usage: countedUsage(usage) }
}
