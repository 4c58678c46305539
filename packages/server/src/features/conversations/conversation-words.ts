import type { WireMessage } from './conversations.ports.ts'

/** Tokens that a message takes beside its text. */
const TOKENS_PER_MESSAGE = 4
/** A picture of usual size in full detail (platform.openai.com/docs/guides/images-vision). */
const TOKENS_PER_IMAGE = 1_105
/** Characters of base64 to one token of audio: 24 kHz in 16 bits, ten tokens a second. */
const AUDIO_CHARACTERS_PER_TOKEN = 6_400
const MOST_TITLE = 80

interface Part {
  readonly type?: unknown
  readonly text?: unknown
  readonly refusal?: unknown
  readonly input_audio?: { readonly data?: unknown }
}

const partsOf = ({ content }: WireMessage): readonly Part[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : Array.isArray(content) ? (content as Part[]) : []

/** The text of a message, without what it calls for. */
export const plainText = (message: WireMessage): string =>
  [...partsOf(message).flatMap((part) => [part?.text, part?.refusal]), message['refusal']]
    .filter((text): text is string => typeof text === 'string' && text !== '')
    .join('\n')

/** All words of a message: its text, and what it calls for. */
export const wordsOf = (message: WireMessage): string => {
  const { tool_calls: calls } = message
  return Array.isArray(calls) ? `${plainText(message)}\n${JSON.stringify(calls)}` : plainText(message)
}

/** What a message takes of a context, apart from its words. */
export const otherTokens = (message: WireMessage): number => {
  let tokens = TOKENS_PER_MESSAGE
  for (const part of partsOf(message)) {
    if (part?.type === 'image_url') tokens += TOKENS_PER_IMAGE
    const data = part?.input_audio?.data
    if (typeof data === 'string') tokens += Math.ceil(data.length / AUDIO_CHARACTERS_PER_TOKEN)
  }
  return tokens
}

/** All that a message says, as one text: its words, and which other parts it has. */
export const transcriptText = (message: WireMessage): string => {
  const kinds = partsOf(message).flatMap(({ type }) =>
    type === 'text' || type === 'refusal' ? [] : [`[${String(type)}]`],
  )
  return [wordsOf(message), ...kinds].filter((text) => text !== '').join(' ')
}

/** A message as somebody who sums up a conversation reads it. */
export const transcriptLine = (message: WireMessage): string => `${message.role}: ${transcriptText(message)}`

/** What a session is called that nobody has named: the first line that a person wrote; null where there is none. */
export const titleOf = (messages: readonly WireMessage[]): string | null => {
  const first = messages.find((message) => message.role === 'user' && plainText(message).trim() !== '')
  if (first === undefined) return null
  const line = plainText(first).trim().split('\n', 1)[0]?.trim() ?? ''
  const characters = [...line]
  return characters.length <= MOST_TITLE
    ? line
    : `${characters
        .slice(0, MOST_TITLE - 1)
        .join('')
        .trimEnd()}…`
}
