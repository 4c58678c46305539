import { AppError } from '../../../kernel/errors.ts'
import { isObject, type Members } from '../wire-members.ts'

/** A completion, a choice of one, or what is told of its tokens. */
type Part = Record<string, unknown>

/** What decides how an answer is told. */
export interface CompletionSetting {
  readonly prompt: string
  readonly echo: boolean
  readonly hasLogprobs: boolean
}

const malformed = (detail: string): AppError => new AppError('upstream_malformed', { detail })

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const saidIn = (told: Members): string => textOf(told['content']) + textOf(told['refusal'])

/** What chat tells of the tokens, as completions do (SDK type `CompletionChoice.Logprobs`); offsets are in characters. */
const logprobsOf = (logprobs: unknown, start: number): Part | null => {
  const entries: unknown = isObject(logprobs) ? logprobs['content'] : null
  if (!Array.isArray(entries)) return null
  const told = entries.filter(isObject)
  let offset = start
  const text_offset = told.map(({ token }) => {
    const at = offset
    offset += textOf(token).length
    return at
  })
  return {
    tokens: told.map(({ token }) => token),
    token_logprobs: told.map(({ logprob }) => logprob),
    top_logprobs: told.map(({ top_logprobs: top }) =>
      Array.isArray(top)
        ? Object.fromEntries(top.filter(isObject).map((one) => [textOf(one['token']), one['logprob']]))
        : {},
    ),
    text_offset,
  }
}

const reasonOf = (finish: unknown): unknown => (finish === 'tool_calls' || finish === 'function_call' ? 'stop' : finish)

/** The members of a completion beside its choices: SDK type `Completion`. */
const frameOf = (chat: Members): Part => ({
  id: chat['id'],
  object: 'text_completion',
  created: chat['created'],
  model: chat['model'],
  ...(chat['system_fingerprint'] !== undefined && { system_fingerprint: chat['system_fingerprint'] }),
})

const parse = (text: string): Members => {
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed) || !Array.isArray(parsed['choices'])) throw malformed('The answer is no chat completion.')
  return parsed
}

const choicesOf = (chat: Members): readonly Members[] => (chat['choices'] as readonly unknown[]).filter(isObject)

/** A whole chat completion as a completion. @throws AppError `upstream_malformed` when it is none. */
export const translateCompletion = (body: Buffer, { prompt, echo, hasLogprobs }: CompletionSetting): Part => {
  const chat = parse(body.toString('utf8'))
  const choices = choicesOf(chat).map(({ index, message, logprobs, finish_reason: finish }) => {
    if (!isObject(message)) throw malformed('A choice of the answer has no message.')
    return {
      text: (echo ? prompt : '') + saidIn(message),
      index,
      logprobs: hasLogprobs ? logprobsOf(logprobs, 0) : null,
      finish_reason: reasonOf(finish),
    }
  })
  if (choices.length === 0) throw malformed('The answer has no choice.')
  return { ...frameOf(chat), choices, ...(isObject(chat['usage']) && { usage: chat['usage'] }) }
}

/** Translates the chunks of a chat completion stream, in their order, into those of a completion stream. */
export const createCompletionEvents = ({ prompt, echo, hasLogprobs }: CompletionSetting) => {
  /** How many characters of each choice have been told. */
  const lengths = new Map<unknown, number>()

  const choiceOf = ({ index = 0, delta, logprobs, finish_reason: finish = null }: Members): Part[] => {
    const isFirst = !lengths.has(index)
    const start = lengths.get(index) ?? 0
    const said = isObject(delta) ? saidIn(delta) : ''
    const text = (isFirst && echo ? prompt : '') + said
    lengths.set(index, start + text.length)
    // What begins a turn of chat says nothing here.
    if (text === '' && finish === null) return []
    const told = hasLogprobs ? logprobsOf(logprobs, start) : null
    return [{ text, index, logprobs: told, finish_reason: reasonOf(finish) }]
  }

  /** The event that the data of one event comes to; nothing where it says nothing. @throws AppError `upstream_malformed` */
  return (data: string): string => {
    if (data === '[DONE]') return 'data: [DONE]\n\n'
    const chat = parse(data)
    const choices = choicesOf(chat).flatMap(choiceOf)
    const { usage, headgate } = chat
    if (choices.length === 0 && !isObject(usage)) return ''
    const rest = { ...(usage !== undefined && { usage }), ...(headgate !== undefined && { headgate }) }
    return `data: ${JSON.stringify({ ...frameOf(chat), choices, ...rest })}\n\n`
  }
}
