import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, type Members, membersOf, textOf } from '../translation/parts.ts'
import { finishReason, openaiUsage } from './stop-reason.ts'

const malformed = (): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })

const parse = (body: Buffer): Members => {
  try {
    return membersOf(JSON.parse(body.toString('utf8')))
  } catch {
    throw malformed()
  }
}

/** A thought as it must be given back. */
const thinkingBlock = ({ reasoningContent }: Members): Members[] => {
  const { reasoningText, redactedContent } = membersOf(reasoningContent)
  if (typeof redactedContent === 'string') return [{ type: 'redacted_thinking', data: redactedContent }]
  const { text, signature } = membersOf(reasoningText)
  return typeof text === 'string' ? [{ type: 'thinking', thinking: text, signature: textOf(signature) }] : []
}

/**
 * A whole `Converse` answer as a chat completion. Thoughts are read out as `reasoning_content`, and kept as `thinking_blocks` so
 * that the next turn can give them back.
 * @param id the call's own: Bedrock names none. @param created seconds since the epoch.
 * @throws ProviderFault `upstream_malformed` when it is no answer.
 */
export const translateAnswer = (
  body: Buffer,
  model: string,
  id: string,
  created: number,
): { body: Buffer; usage: Usage | null } => {
  const answer = parse(body)
  const { content } = membersOf(membersOf(answer['output'])['message'])
  if (!Array.isArray(content)) throw malformed()
  const blocks = content.filter(isObject)
  const text = blocks.map((block) => textOf(block['text'])).join('')
  const thinking = blocks.flatMap(thinkingBlock)
  const reasoning = thinking.map((block) => textOf(block['thinking'])).join('')
  const calls = blocks.flatMap(({ toolUse }) => {
    if (!isObject(toolUse)) return []
    const described = { name: toolUse['name'], arguments: JSON.stringify(toolUse['input'] ?? {}) }
    return [{ id: toolUse['toolUseId'], type: 'function', function: described }]
  })
  const usage = openaiUsage(answer['usage'])
  const message = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(thinking.length > 0 && { thinking_blocks: thinking }),
  }
  const completion = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer['stopReason']) }],
    ...(usage !== null && { usage }),
  }
  return { body: Buffer.from(JSON.stringify(completion)), usage: usage === null ? null : readUsage(usage) }
}
