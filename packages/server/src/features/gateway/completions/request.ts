import type { InferenceRequest } from '../../../domain/inference.ts'
import { AppError } from '../../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../../kernel/json.ts'
import { unsupported } from '../unsupported.ts'
import {
  invalid,
  isBlank,
  isObject,
  located,
  type Members,
  readBoolean,
  readCount,
  readModel,
  readUser,
} from '../wire-members.ts'

const MOST_OUTPUT_TOKENS = 10_000_000
const MOST_CHOICES = 128
/** OpenAI's own default (platform.openai.com/docs/api-reference/completions/create). */
const USUAL_OUTPUT_TOKENS = 16
/** As many as chat tells beside each token (platform.openai.com/docs/api-reference/chat/create, `top_logprobs`). */
const MOST_LOGPROBS = 20

/** Members whose repetition would let two parsers disagree on who pays for what. */
const decisiveMembers = new Set([
  'model',
  'prompt',
  'max_tokens',
  'n',
  'best_of',
  'stream',
  'stream_options',
  'user',
  'safe',
])

/** Members that chat has too, as they are. */
const shared = ['temperature', 'top_p', 'stop', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'seed'] as const

const known = new Set<string>([...[...shared, ...decisiveMembers, 'echo', 'suffix', 'logprobs', 'strict']])

/** A request for a completion, read. */
export interface CompletionRequest {
  readonly prompt: string
  /** The prompt stands before each answer. */
  readonly echo: boolean
  readonly hasLogprobs: boolean
}

/** The same request to chat. */
interface AsChat {
  readonly chat: Buffer
  readonly translation: NonNullable<InferenceRequest['translation']>
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** The one text that is to be completed. Several are several calls, and a request is one. */
const readPrompt = ({ prompt }: Members): string => {
  const fix = 'Write "prompt": "some text".'
  const [first, ...others] = Array.isArray(prompt) ? (prompt as unknown[]) : [prompt]
  if (!isGiven(first) || isBlank(first)) throw new AppError('prompt_empty', located('prompt', fix))
  if (typeof first === 'number' || Array.isArray(first))
    throw unsupported('prompt', 'Send the prompt as text: each model has tokens of its own.')
  if (typeof first !== 'string') throw invalid('prompt', 'must be a string or a list of one string', fix)
  if (others.length > 0) throw unsupported('prompt[1]', 'Send one prompt a request.')
  return first
}

const readLogprobs = (body: Members): number | null => {
  const { logprobs } = body as { logprobs?: unknown }
  if (!isGiven(logprobs)) return null
  if (typeof logprobs !== 'number' || !Number.isInteger(logprobs) || logprobs < 0 || logprobs > MOST_LOGPROBS)
    throw invalid('logprobs', `must be a whole number from 0 to ${MOST_LOGPROBS}`, 'Write a number, or leave it out.')
  return logprobs
}

/**
 * Reads a body in the wire format of OpenAI's legacy Completions API (SDK type `CompletionCreateParams`); the request to the model
 * is its translation to chat, the prompt being what the user says. @throws AppError of the request family.
 */
export const readCompletionRequest = (bytes: Buffer): CompletionRequest & AsChat => {
  const { duplicates } = outlineJson(bytes)
  const body = parseJson(bytes)
  if (!isObject(body)) throw invalid('body', 'must be a JSON object', 'Write {"model": "…", "prompt": "…"}.')
  const repeated = duplicates.find((name) => decisiveMembers.has(name))
  if (repeated !== undefined)
    throw new AppError('duplicate_parameter', located(repeated, 'Send it once.', 'stands more than once'))
  const model = readModel(body)
  const prompt = readPrompt(body)
  if (isGiven(body['suffix']) && body['suffix'] !== '')
    throw unsupported('suffix', 'Chat fills no gaps; say in the prompt what comes after it.')
  const echo = readBoolean(body, 'echo')
  const logprobs = readLogprobs(body)
  if (echo && logprobs !== null)
    throw unsupported('logprobs', 'Chat tells nothing of the tokens of a prompt; leave out echo or logprobs.')
  const choices = readCount(body, 'n', MOST_CHOICES) ?? 1
  if ((readCount(body, 'best_of', MOST_CHOICES) ?? choices) > choices)
    throw unsupported('best_of', 'Ask for all answers with n, and choose.')
  const stream = readBoolean(body, 'stream')
  const user = readUser(body)
  const chat = {
    model,
    messages: [{ role: 'user', content: prompt }],
    max_tokens: readCount(body, 'max_tokens', MOST_OUTPUT_TOKENS) ?? USUAL_OUTPUT_TOKENS,
    ...(choices > 1 && { n: choices }),
    ...(stream && { stream, ...(isGiven(body['stream_options']) && { stream_options: body['stream_options'] }) }),
    ...Object.fromEntries(shared.filter((name) => isGiven(body[name])).map((name) => [name, body[name]])),
    ...(logprobs !== null && { logprobs: true, ...(logprobs > 0 && { top_logprobs: logprobs }) }),
    ...(user !== null && { user }),
    ...('safe' in body && { safe: body['safe'] }),
  }
  return {
    prompt,
    echo,
    hasLogprobs: logprobs !== null,
    chat: Buffer.from(JSON.stringify(chat).toWellFormed()),
    translation: {
      lost: Object.keys(body).filter((name) => !known.has(name) && isGiven(body[name])),
      strict: readBoolean(body, 'strict'),
    },
  }
}
