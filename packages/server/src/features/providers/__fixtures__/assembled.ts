import type { StreamSource } from '../../../domain/upstream.ts'

interface ToolCall {
  id: string
  type: string
  function: { name: string; arguments: string }
}

/** A message of an answer, as a caller would send it back. */
export interface Message {
  role: string
  content: string | null
  tool_calls?: ToolCall[]
  reasoning_content?: string
  [other: string]: unknown
}

/** What an answer comes to, however it arrived. */
export interface Assembled {
  readonly message: Message
  readonly finish: string | null
  readonly usage: Record<string, unknown> | null
}

interface Completion {
  readonly choices: readonly { readonly message: Message; readonly finish_reason: string }[]
  readonly usage?: Record<string, unknown>
}

/** Of a whole answer. */
export const wholeOf = ({ choices: [choice], usage = undefined }: Completion): Assembled => {
  if (choice === undefined) throw new Error('there is no choice')
  return { message: choice.message, finish: choice.finish_reason, usage: usage ?? null }
}

type Delta = Omit<Partial<Message>, 'tool_calls'> & { tool_calls?: (Partial<ToolCall> & { index: number })[] }
interface Chunk {
  choices: { delta: Delta; finish_reason: string | null }[]
  usage?: Record<string, unknown> | null
}

/** Of a stream, by the rules of OpenAI's clients: texts are joined, tool calls by their index, all else is taken over. */
export const assembled = (text: string): Assembled => {
  const message: Message = { role: 'assistant', content: null }
  const calls: ToolCall[] = []
  let finish: string | null = null
  let usage: Record<string, unknown> | null = null
  for (const event of text.split('\n\n').filter((one) => one.startsWith('data: {'))) {
    const chunk = JSON.parse(event.slice('data: '.length)) as Chunk
    usage = chunk.usage ?? usage
    const choice = chunk.choices[0]
    if (choice === undefined) continue
    finish = choice.finish_reason ?? finish
    const { content, reasoning_content: reasoning, tool_calls: pieces = [], ...rest } = choice.delta
    Object.assign(message, rest)
    if (typeof content === 'string') message.content = (message.content ?? '') + content
    if (typeof reasoning === 'string') message.reasoning_content = (message.reasoning_content ?? '') + reasoning
    for (const { index, function: said, ...call } of pieces) {
      const known = calls[index]
      if (known === undefined)
        calls[index] = {
          id: '',
          type: 'function',
          ...call,
          function: { name: said?.name ?? '', arguments: said?.arguments ?? '' },
        }
      else known.function.arguments += said?.arguments ?? ''
    }
  }
  if (message.content === '' && calls.length > 0) message.content = null
  return { message: { ...message, ...(calls.length > 0 && { tool_calls: calls }) }, finish, usage }
}

/** Everything that a stream says, also one that fails. */
export const heard = (source: StreamSource): Promise<{ text: string; fault: Error | null }> =>
  new Promise((resolve) => {
    let text = ''
    source.start({
      data: (chunk) => {
        text += chunk.toString()
      },
      end: () => resolve({ text, fault: null }),
      fail: (fault) => resolve({ text, fault }),
    })
  })
