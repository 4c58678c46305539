import { countTokens as count, decode, encode } from 'gpt-tokenizer/encoding/o200k_base'

/** One streamed piece of an answer: its text, that text inside JSON quotes (without them), and its tokens. */
export interface Piece {
  text: string
  escaped: string
  tokens: number
}

/** Text ready to stand between JSON quotes. */
export const escapeJson = (text: string): string => JSON.stringify(text).slice(1, -1)

const options = { disallowedSpecial: new Set<string>() }
const longestTokenised = 262_144

/**
 * Tokens of a text in o200k_base. Runs without white space are split every 512 characters (a long run costs quadratic
 * time) and texts above 256 KiB are counted by their first 256 KiB and scaled, so that a huge prompt cannot stop the process.
 */
export const countTokens = (text: string): number => {
  const head = text.length > longestTokenised ? text.slice(0, longestTokenised) : text
  const tokens = count(head.length > 512 ? head.replace(/\S{512}/g, '$& ') : head, options)
  return head === text ? tokens : Math.round((tokens * text.length) / head.length)
}

/** Splits an ASCII text (JSON, tool arguments) into one piece per token. */
export const splitByToken = (text: string): Piece[] =>
  encode(text, options).map((token) => {
    const piece = decode([token])
    return { text: piece, escaped: escapeJson(piece), tokens: 1 }
  })

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
}

/**
 * Prompt tokens of chat messages: the tokens of every text, 3 for each message and 3 that prime the reply
 * (the approximation documented by OpenAI for its chat models, without roles, names, tools and images).
 */
export const countPromptTokens = (messages: readonly unknown[]): number => {
  let tokens = 3
  for (const message of messages) {
    tokens += 3 + countTokens(textOf((message as { content?: unknown } | null)?.content))
  }
  return tokens
}
