import type { ChatBody } from './answer.ts'

interface ContentBlock {
  type?: string
  text?: string
  id?: string
  tool_use_id?: string
  signature?: string
  content?: unknown
}

/** What the upstream reads of a Messages request. */
export interface MessagesBody {
  model: string
  max_tokens?: number
  messages: Array<{ role?: string; content?: string | ContentBlock[] }>
  system?: string | ContentBlock[]
  stream?: boolean
  tools?: Array<{ name?: string; input_schema?: unknown }>
  tool_choice?: { type?: string; name?: string; disable_parallel_tool_use?: boolean }
  output_config?: { format?: { type?: string; schema?: unknown } | null }
}

/** The API version that took the sampling parameters away. */
const withoutSampling = '2026-10-21'
const sampling = ['temperature', 'top_p', 'top_k']
/** Body parameters of Anthropic's SDK type `MessageCreateParamsBase`. */
const known = new Set([
  'max_tokens',
  'messages',
  'model',
  'cache_control',
  'container',
  'diagnostics',
  'inference_geo',
  'metadata',
  'output_config',
  'service_tier',
  'speed',
  'stop_sequences',
  'stream',
  'system',
  'thinking',
  'tool_choice',
  'tools',
])

const blocksOf = (content: string | ContentBlock[] | undefined): ContentBlock[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])

const idsOf = (content: string | ContentBlock[] | undefined, type: string, member: 'id' | 'tool_use_id'): string[] =>
  blocksOf(content).flatMap((block) => (block.type === type ? [block[member] ?? ''] : []))

const blockComplaint = (block: ContentBlock): string | null => {
  if (block.type === 'text' && (block.text ?? '').trim() === '') return 'text content blocks must be non-empty'
  if (block.type === 'thinking' && !block.signature) return 'thinking.signature: Field required'
  return null
}

const turnComplaint = (messages: MessagesBody['messages'], index: number): string | null => {
  const { role, content } = messages[index] ?? {}
  if (role !== 'user' && role !== 'assistant') return `messages.${index}.role: Input should be 'user' or 'assistant'`
  const blocks = blocksOf(content)
  if (blocks.length === 0) return `messages.${index}: content must not be empty`
  const complaint = blocks.map(blockComplaint).find((one) => one !== null)
  if (complaint) return `messages.${index}: ${complaint}`
  const uses = index === 0 ? [] : idsOf(messages[index - 1]?.content, 'tool_use', 'id')
  const results = idsOf(content, 'tool_result', 'tool_use_id')
  if (results.some((id) => !uses.includes(id))) return `messages.${index}: unexpected tool_use_id in tool_result blocks`
  if (uses.some((id) => !results.includes(id))) return `messages.${index}: tool_use ids without tool_result blocks`
  return null
}

/** What Anthropic would refuse in a request, in its manner of speaking; null when it would take it. */
export const complaintAbout = (body: MessagesBody, version: string | null): string | null => {
  if (version === null) return 'anthropic-version: header is required'
  const allowed = (name: string): boolean => known.has(name) || (version < withoutSampling && sampling.includes(name))
  const extra = Object.keys(body).find((name) => !allowed(name))
  if (extra !== undefined) return `${extra}: Extra inputs are not permitted`
  if (typeof body.max_tokens !== 'number') return 'max_tokens: Field required'
  if (!Array.isArray(body.messages) || body.messages.length === 0) return 'messages: at least one message is required'
  for (let index = 0; index < body.messages.length; index += 1) {
    const complaint = turnComplaint(body.messages, index)
    if (complaint !== null) return complaint
  }
  return null
}

const choiceOf = (choice: MessagesBody['tool_choice']): ChatBody['tool_choice'] => {
  if (choice?.type === 'any') return 'required'
  if (choice?.type === 'tool') return { function: choice.name === undefined ? {} : { name: choice.name } }
  return choice?.type === 'none' ? 'none' : null
}

/** The same request as the rest of the upstream reads it. */
export const asChat = (body: MessagesBody): ChatBody => {
  const isAnswered = idsOf(body.messages.at(-1)?.content, 'tool_result', 'tool_use_id').length > 0
  const format = body.output_config?.format
  return {
    model: body.model,
    messages: [
      ...(body.system === undefined ? [] : [{ role: 'system', content: body.system }]),
      ...body.messages.map(({ role, content }) => ({ role: role ?? '', content })),
      ...(isAnswered ? [{ role: 'tool' }] : []),
    ],
    max_tokens: body.max_tokens ?? null,
    tools: (body.tools ?? []).map(({ name, input_schema }) => ({
      function: { ...(name !== undefined && { name }), parameters: input_schema },
    })),
    tool_choice: choiceOf(body.tool_choice) ?? null,
    response_format: format ? { type: 'json_schema', json_schema: { schema: format.schema } } : null,
  }
}
