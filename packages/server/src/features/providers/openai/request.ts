import { type InferenceRequest, type MemberSpan, type Operation, replaceSpan } from '../../../domain/inference.ts'
import { quoteJson } from '../../../kernel/json.ts'

/** Path of each operation below the base address. */
export const operationPath: Readonly<Record<Operation, string>> = {
  chat: '/chat/completions',
  embeddings: '/embeddings',
  images: '/images/generations',
  image_edits: '/images/edits',
  image_variations: '/images/variations',
  speech: '/audio/speech',
  transcriptions: '/audio/transcriptions',
  translations: '/audio/translations',
  moderations: '/moderations',
}

const usageOption = ',"stream_options":{"include_usage":true}'

const streamOptions = (text: string): string => {
  const options = JSON.parse(text) as Record<string, unknown> | null
  return JSON.stringify({ ...options, include_usage: true })
}

/** Bytes, or pieces of them in order: a file is not copied for the sake of a name. */
export type UpstreamBody = Buffer | readonly Buffer[]

const formerCap = '"max_tokens"'
const presentCap = '"max_completion_tokens"'

/** A translated request with the cap of the output under its present name, which OpenAI itself asks for. */
export const withPresentCap = (request: InferenceRequest): InferenceRequest => {
  const { body, members } = request
  const cap = members.get('max_tokens')
  if (cap === undefined) return request
  const start = cap.start - formerCap.length - 1
  const growth = presentCap.length - formerCap.length
  const shifted = [...members].map(([name, span]): [string, MemberSpan] => [
    name === 'max_tokens' ? 'max_completion_tokens' : name,
    span.start < start ? span : { start: span.start + growth, end: span.end + growth },
  ])
  return { ...request, body: replaceSpan(body, start, cap.start - 1, presentCap), members: new Map(shifted) }
}

/**
 * The bytes that go upstream: the caller's own, with the model renamed where the provider names it differently, and the
 * usage chunk of a stream asked for where `streamUsage` says that the provider knows the option. Everything else is kept
 * byte for byte.
 */
export const upstreamBody = (request: InferenceRequest, model: string, streamUsage: boolean): UpstreamBody => {
  const { body, members } = request
  const modelSpan = members.get('model')
  if (modelSpan === undefined) return body
  const renamed = request.model !== model
  if (typeof request.media?.contentType === 'string') {
    if (!renamed) return body
    return [body.subarray(0, modelSpan.start), Buffer.from(model), body.subarray(modelSpan.end)]
  }
  const asksUsage = streamUsage && request.stream && !request.includeUsage
  if (!renamed && !asksUsage) return body

  const { start, end } = modelSpan
  const name = renamed ? quoteJson(model) : body.toString('utf8', start, end)
  if (!asksUsage) return replaceSpan(body, start, end, name)

  const span = members.get('stream_options')
  if (span === undefined) return replaceSpan(body, start, end, name + usageOption)

  const options = streamOptions(body.toString('utf8', span.start, span.end))
  // What stands further on first, so that the place of the other holds.
  return span.start > start
    ? replaceSpan(replaceSpan(body, span.start, span.end, options), start, end, name)
    : replaceSpan(replaceSpan(body, start, end, name), span.start, span.end, options)
}

/** Names and values in turn, as undici takes them. */
export type FlatHeaders = readonly string[]

const lengthOf = (body: UpstreamBody): number =>
  Buffer.isBuffer(body) ? body.length : body.reduce((sum, { length }) => sum + length, 0)

/** The headers of a provider for a form: with its boundary, and its length, which pieces do not tell. */
export const formHeaders = (headers: FlatHeaders, contentType: string, body: UpstreamBody): FlatHeaders => {
  const kept: string[] = ['content-type', contentType, 'content-length', String(lengthOf(body))]
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at] !== 'content-type') kept.push(headers[at] as string, headers[at + 1] as string)
  return kept
}

const reserved = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
])

/**
 * All headers that a provider gets, but for the request id: an allow-list, so that nothing of the caller (least of all its
 * key) goes upstream. Configured headers replace ours of the same name, except those that frame the message.
 */
export const providerHeaders = (
  apiKey: string | undefined,
  configured: Readonly<Record<string, string>>,
  version: string,
): FlatHeaders => {
  const headers = new Map<string, string>([
    ['content-type', 'application/json'],
    ['accept', 'application/json, text/event-stream'],
    ['accept-encoding', 'identity'],
    ['user-agent', `headgate/${version}`],
  ])
  if (apiKey !== undefined) headers.set('authorization', `Bearer ${apiKey}`)
  for (const [name, value] of Object.entries(configured)) {
    if (!reserved.has(name.toLowerCase())) headers.set(name.toLowerCase(), value)
  }
  return [...headers].flat()
}
