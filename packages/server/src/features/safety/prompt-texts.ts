import type { InferenceRequest, MemberSpan } from '../../domain/inference.ts'
import { outlineJson } from '../../kernel/json.ts'
import {
  insideQuotes,
  type Replacement,
  replaceTexts,
  type TextSpan,
  textsOfJson,
  wordlessDefined,
} from './json-texts.ts'

/** Members of requests in which people and their data speak: what is found there is taken out. */
const spoken = ['messages', 'input', 'prompt', 'negative_prompt', 'instructions', 'system', 'suffix', 'prediction']

/** Members, and fields of forms, that say nothing to a model: choices and numbers, and names of people and calls. */
const silent: ReadonlySet<string> = new Set([
  ...['model', 'user', 'metadata', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'service_tier'],
  ...[
    'safe',
    'strict',
    'store',
    'background',
    'stream',
    'stream_options',
    'stream_format',
    'reasoning_effort',
    'reasoning',
  ],
  ...[
    'thinking',
    'verbosity',
    'modalities',
    'audio',
    'voice',
    'stop',
    'stop_sequences',
    'n',
    'size',
    'quality',
    'style',
  ],
  ...[
    'output_format',
    'encoding_format',
    'moderation',
    'input_fidelity',
    'language',
    'timestamp_granularities[]',
    'include[]',
  ],
  ...['chunking_strategy', 'truncation', 'include', 'tool_choice', 'function_call', 'logit_bias', 'anthropic_version'],
])

/** What a request says. */
export interface Prompt {
  readonly texts: readonly TextSpan[]
  /**
   * What stands beside: definitions of tools and formats, and members that nobody here knows. A model reads them too; they are checked, and
   * stay as they are.
   */
  readonly beside: readonly { readonly text: string }[]
  /** Pictures, files and tokens, which words cannot judge. */
  readonly unread: number
  /** The same request with some texts replaced; each with as many as it has. */
  readonly replace: (change: (text: string) => string) => InferenceRequest
}

const isTokens = (body: Buffer, { start, end }: MemberSpan): boolean =>
  /^\[[\s[]*[-\d]/.test(body.toString('latin1', start, Math.min(end, start + 200)))

const readJson = (body: Buffer, members: InferenceRequest['members']) => {
  const texts: TextSpan[] = []
  let unread = 0
  const spans = spoken.flatMap((name) => members.get(name) ?? []).sort((left, right) => left.start - right.start)
  for (const span of spans) {
    const found = textsOfJson(body, span.start, span.end)
    for (const text of found.texts) texts.push(text)
    unread += found.unread + (isTokens(body, span) ? 1 : 0)
  }
  const beside = [...members].flatMap(([name, span]) =>
    spoken.includes(name) || silent.has(name) ? [] : textsOfBeside(body, name, span),
  )
  return { texts, unread, beside }
}

const textsOfBeside = (body: Buffer, name: string, { start, end }: MemberSpan) => {
  const { texts } = textsOfJson(body, start, end, wordlessDefined)
  // Of other operations than chat it is the name of a format.
  return name === 'response_format' && body[start] !== 0x7b ? [] : texts
}

const changed = (texts: readonly TextSpan[], change: (text: string) => string): Replacement[] =>
  texts.flatMap(({ start, end, text }) => {
    const next = change(text)
    return next === text ? [] : [{ start, end, text: next }]
  })

/** The texts of a request, of its body as it was written too where that was in Anthropic's Messages protocol. */
export const readPrompt = (request: InferenceRequest): Prompt => {
  const { body, members, translation } = request
  if ((request.media?.contentType ?? null) !== null) return readFormPrompt(request)
  const own = readJson(body, members)
  const written = translation?.messages
  const other = written === undefined ? null : readJson(written, outlineJson(written).members)
  return {
    texts: other === null ? own.texts : [...own.texts, ...other.texts],
    beside: other === null ? own.beside : [...own.beside, ...other.beside],
    unread: Math.max(own.unread, other?.unread ?? 0, request.hasFiles ? 1 : 0),
    replace: (change) => {
      const next = replaceTexts(body, changed(own.texts, change), insideQuotes)
      const shifted = [...members].map(
        ([name, { start, end }]) => [name, { start: next.moved(start), end: next.moved(end) }] as const,
      )
      return {
        ...request,
        body: next.body,
        members: new Map(shifted),
        inputTokensBound: Math.max(1, request.inputTokensBound + next.body.length - body.length),
        ...(translation !== undefined &&
          written !== undefined &&
          other !== null && {
            translation: {
              ...translation,
              messages: replaceTexts(written, changed(other.texts, change), insideQuotes).body,
            },
          }),
      }
    },
  }
}

/** Of a form, its field `prompt`. What pictures show is not read; what is said in recordings is written down by the call itself. */
const readFormPrompt = (request: InferenceRequest): Prompt => {
  const { body, members, operation } = request
  const span = members.get('prompt')
  const texts = span === undefined ? [] : [{ ...span, text: body.toString('utf8', span.start, span.end) }]
  const beside = [...members].flatMap(([name, { start, end }]) =>
    name === 'prompt' || name === 'response_format' || silent.has(name)
      ? []
      : [{ text: body.toString('utf8', start, end) }],
  )
  return {
    texts,
    beside,
    unread: operation.startsWith('image') ? 1 : 0,
    replace: (change) => {
      const next = replaceTexts(body, changed(texts, change), (text) => text)
      const shifted = [...members].map(
        ([name, { start, end }]) => [name, { start: next.moved(start), end: next.moved(end) }] as const,
      )
      return { ...request, body: next.body, members: new Map(shifted) }
    },
  }
}
