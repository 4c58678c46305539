import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { attachmentTokens, imageTokens } from '../../domain/input-estimate.ts'

/** One count asked of the worker. */
export type CountJob =
  | { readonly id: number; readonly kind: 'text'; readonly text: string }
  | { readonly id: number; readonly kind: 'chat'; readonly body: Uint8Array }

/** `tokens` is null when the body is not what a request looks like. */
export interface CountResult {
  readonly id: number
  readonly tokens: number | null
}

/** Framing of the chat format: each message, and the start of the answer (OpenAI cookbook, counting tokens). */
const messageTokens = 3
const answerTokens = 3

/** Longest run without a break that is given to the tokeniser at once: its time grows with the square of a run. */
const longestRun = 512
/** Characters of one job that are counted; the rest is taken at the same rate. */
const countedCharacters = 1_048_576

const encoding = { disallowedSpecial: new Set<string>() }

const isSpace = (code: number) => code === 32 || (code >= 9 && code <= 13)

/** Cuts inside runs of 512 characters of text, or of white space. */
const piecesOf = (text: string): string[] => {
  const pieces: string[] = []
  let start = 0
  let run = 0
  let space = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isSpace(code) !== space) {
      space = !space
      run = 0
    } else if (run >= longestRun && (code & 0xfc00) !== 0xdc00) {
      pieces.push(text.slice(start, at))
      start = at
      run = 0
    }
    run += 1
  }
  pieces.push(text.slice(start))
  return pieces
}

/** Tokens of a text in o200k_base. Names of special tokens are ordinary text. */
export const countText = (text: string): number => {
  const head = text.slice(0, countedCharacters)
  let tokens = 0
  for (const piece of piecesOf(head)) tokens += countTokens(piece, encoding)
  return head.length === text.length ? tokens : Math.ceil((tokens * text.length) / head.length)
}

type Members = Readonly<Record<string, unknown>>

/** Collects the texts of a request, and counts what is not text. */
const gather = (request: Members): { texts: string[]; fixed: number } => {
  const texts: string[] = []
  let fixed = 0
  const take = (value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    else if (value !== undefined && value !== null) texts.push(JSON.stringify(value))
  }
  const takeContent = (content: unknown) => {
    if (!Array.isArray(content)) {
      take(content)
      return
    }
    for (const part of content as Members[]) {
      const kind = part?.['type']
      if (kind === 'image_url') fixed += imageTokens
      else if (kind === 'input_audio' || kind === 'file') fixed += attachmentTokens
      else if (typeof part === 'number') fixed += 1
      else take(part?.['text'] ?? part?.['refusal'] ?? part)
    }
  }
  const messages = request['messages']
  if (Array.isArray(messages)) {
    fixed += answerTokens
    for (const message of messages as Members[]) {
      fixed += messageTokens
      take(message?.['role'])
      takeContent(message?.['content'])
      take(message?.['name'])
      take(message?.['tool_calls'])
    }
  }
  // Embeddings: a text, texts, token numbers, or lists of them.
  const input = request['input']
  for (const item of Array.isArray(input) && Array.isArray(input[0]) ? (input as unknown[]) : [input]) takeContent(item)
  take(request['tools'])
  const format = request['response_format'] as Members | undefined
  take(format?.['json_schema'])
  return { texts, fixed }
}

/** Input tokens of the JSON body of a request; null when it cannot be read. */
export const countChat = (body: Uint8Array): number | null => {
  try {
    const request = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) as Members
    const { texts, fixed } = gather(request)
    const total = texts.reduce((sum, text) => sum + text.length, 0)
    if (total <= countedCharacters) return texts.reduce((sum, text) => sum + countText(text), fixed)
    return fixed + countText(texts.join('\n'))
  } catch {
    return null
  }
}
