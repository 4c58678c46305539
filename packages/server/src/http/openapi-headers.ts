import { header } from '@headgate/contract/headers.ts'
import type { Members } from './openapi-schemas.ts'

const text = { type: 'string' }
const wholeNumber = { type: 'integer', minimum: 0 }

/** Every header of an answer that the document describes, by its name on the wire. */
const described: Readonly<Record<string, { description: string; schema: object; example?: string | number }>> = {
  [header.requestId]: {
    description: 'Id of this request, in the log and in the ledger: the one sent, or one of ours.',
    schema: text,
    example: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
  },
  [header.model]: { description: 'Model that answered, as its provider names it.', schema: text },
  [header.provider]: { description: 'Provider that answered.', schema: text },
  [header.attempts]: { description: 'Tries that it took.', schema: { type: 'integer', minimum: 1 } },
  [header.overheadMs]: {
    description: 'Milliseconds up to the answer that were not the provider’s.',
    schema: { type: 'number', minimum: 0 },
  },
  [header.queueMs]: {
    description: 'Milliseconds that the call waited for a place at a provider; absent where it did not wait.',
    schema: { type: 'number', minimum: 0 },
  },
  [header.costUsd]: { description: 'Cost of a whole answer; absent where no price is known.', schema: text },
  [header.provenance]: {
    description:
      'Of pictures and speech that shall be signed: `signed`, `provider` (its maker had signed it: left as it was), or `unsigned` and why. With `invisible` where all of its pictures have a mark in their pixels.',
    schema: text,
    example: 'signed',
  },
  [header.origin]: {
    description:
      'Where `provenance.sign` names `text`, or `provenance.record` what was made, or of pictures with `provenance.invisible_mark`: that a model made it, which one, and for which request.',
    schema: text,
    example: 'ai; model=gpt-4o-mini; provider=openai; request=req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
  },
  [header.route]: {
    description: 'Why this model answered, where `model` was the name of a route or `auto`.',
    schema: text,
    example: 'fast-chat: weight 3 of 4',
  },
  [header.attribution]: {
    description: 'What is to be shown beside the answer, as the licence of its model or the operator asks.',
    schema: text,
    example: 'Built with Llama',
  },
  [header.redacted]: {
    description: 'What was taken out of the prompt before it left, by kind; absent where nothing was.',
    schema: text,
    example: 'email=2, jwt=1',
  },
  [header.injectionScore]: {
    description:
      'How much the prompt looks like an injection, from 0 to 1; absent where nothing does. Nothing is refused for it.',
    schema: text,
    example: '0.80',
  },
  [header.cache]: {
    description:
      'Where the call asked for the cache: `hit` and `stale` are answers given before, at no cost; `bypass` was not looked up.',
    schema: { type: 'string', enum: ['hit', 'stale', 'miss', 'bypass'] },
  },
  [header.age]: { description: 'Seconds since a cached answer was made.', schema: wholeNumber },
  [header.warning]: {
    description: 'What was changed in the request, such as a capped output; what a file holds.',
    schema: text,
  },
  [header.stream]: {
    description: 'Name of the stream, where it is kept: `GET /v1/streams/{stream_id}` reads it again.',
    schema: text,
    example: 'stm_01KG9V6V80Q3M5YJ8T2N4R7WXA',
  },
  [header.link]: { description: 'The next page, where there is one.', schema: text },
  [header.session]: { description: 'The session that the call was made in.', schema: text },
  [header.context]: {
    description:
      'Of a call in a session: former messages that it was given, those that were summed up for it, and those of which nothing could be given.',
    schema: text,
    example: 'messages=12, summarised=40, omitted=0',
  },
  [header.message]: {
    description: 'Of a call in a session: the id of the message that the answer became.',
    schema: text,
  },
  [header.memory]: {
    description:
      'Of a call that asks for memories: how many it was given, how many tokens they are, and whether their meaning was compared or words alone.',
    schema: text,
    example: 'used=3, tokens=118, mode=hybrid',
  },
  [header.contentDisposition]: { description: 'That the answer is a file, and its name.', schema: text },
  [header.surrogateKey]: { description: 'Tags by which a cache in front is told to forget it.', schema: text },
  [header.cacheTag]: { description: 'The same, with commas between.', schema: text },
  [header.cdnCacheControl]: { description: 'How long a cache in front may keep it (RFC 9213).', schema: text },
  [header.asset]: {
    description: 'Id of the asset that was, or will be, made; several with commas between.',
    schema: text,
  },
  [header.etag]: { description: 'SHA-256 of the content.', schema: text },
  [header.location]: { description: 'Where the upload goes on.', schema: text },
  [header.acceptRanges]: { description: '`bytes`: parts may be asked for.', schema: text },
  [header.contentRange]: { description: 'Which part this is, of how many bytes.', schema: text },
  [header.uploadOffset]: { description: 'Bytes of the upload that are kept.', schema: wholeNumber },
  [header.uploadLength]: { description: 'Bytes that the upload will have.', schema: wholeNumber },
  [header.uploadExpires]: { description: 'When the upload is erased unless it goes on.', schema: text },
  [header.tusResumable]: { description: 'Version of tus.', schema: text },
  [header.rateLimitLimit]: { description: 'Size of the limit that binds first.', schema: text },
  [header.rateLimitRemaining]: { description: 'What is left of it.', schema: wholeNumber },
  [header.rateLimitReset]: { description: 'Seconds until it is full again.', schema: wholeNumber },
  [header.openaiLimitRequests]: { description: 'The same limit, as OpenAI names it.', schema: text },
  [header.openaiRemainingRequests]: { description: 'What is left of it.', schema: wholeNumber },
  [header.openaiResetRequests]: { description: 'Time until it is full again.', schema: text, example: '1.25s' },
  [header.rateLimitPolicy]: {
    description: 'All limits that apply (draft-ietf-httpapi-ratelimit-headers-11).',
    schema: text,
  },
  [header.rateLimit]: { description: 'Where each of them stands.', schema: text },
  [header.idempotentReplayed]: {
    description: '`true` where the answer is the one kept for an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string', enum: ['true'] },
  },
  [header.retryAfter]: { description: 'Seconds after which another try can help.', schema: wholeNumber },
  [header.retryAfterMs]: { description: 'The same in milliseconds.', schema: wholeNumber },
  [header.shouldRetry]: { description: '`false` where no retry helps.', schema: { type: 'string', enum: ['false'] } },
}

/** Headers that tell where the limits stand. */
export const limitHeaders: readonly string[] = [
  header.rateLimitLimit,
  header.rateLimitRemaining,
  header.rateLimitReset,
  header.openaiLimitRequests,
  header.openaiRemainingRequests,
  header.openaiResetRequests,
  header.rateLimitPolicy,
  header.rateLimit,
]

/** Headers of errors that a retry may help, or never will. */
export const retryHeaders: readonly string[] = [header.retryAfter, header.retryAfterMs, header.shouldRetry]

/** References to headers of an answer, by name. */
export const headerReferences = (names: readonly string[]): Members =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** `components/headers`. */
export const headerComponents = (): Members =>
  Object.fromEntries(Object.keys(described).map((name) => [name, described[name]]))

/** `components/parameters`: headers that a request may carry. */
export const parameterComponents = (): Members => ({
  RequestId: {
    name: header.requestId,
    in: 'header',
    description: 'Your own id of the request, to find it again; it comes back in the answer. Others are replaced.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
  },
  IdempotencyKey: {
    name: header.idempotencyKey,
    in: 'header',
    description:
      'Names this request, so that a retry is recognised: run once, charged once, answered the same for a day. Draw a UUID per request.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  Tags: {
    name: header.tags,
    in: 'header',
    description:
      'Words of your own that tell calls apart, such as `team=search, experiment=b`; routes may turn on them.',
    schema: { type: 'string' },
  },
  Safe: {
    name: header.safe,
    in: 'header',
    description:
      'Asks for more safety checks than the project has, never for less: `true` for `main`, `strict` for `demo`.',
    schema: { type: 'string', enum: ['true', 'false', 'strict'] },
  },
  Store: {
    name: header.store,
    in: 'header',
    description: '`asset`: what is made is kept as assets of who asks, which `x-headgate-asset` of the answer names.',
    schema: { type: 'string', enum: ['asset'] },
  },
  Cache: {
    name: header.cache,
    in: 'header',
    description:
      '`on`, `off` or `refresh`, then, after commas, `max-age=60`, `stale=30` (both in seconds), `shared` or `tools`: whether an answer given before is good.',
    schema: { type: 'string' },
  },
  Session: {
    name: header.session,
    in: 'header',
    description:
      'A session of `/v1/sessions` that a chat is made in, and after a semicolon, if need be, the message that it goes on from: `ses_…; parent=msg_…`, or `parent=none`.',
    schema: { type: 'string' },
  },
  User: {
    name: header.user,
    in: 'header',
    description: 'Your own stable id of the person behind the call, for usage by user.',
    schema: { type: 'string', maxLength: 256 },
  },
  UserSignature: {
    name: header.userSignature,
    in: 'header',
    description:
      'Proof of the person: `t=<seconds>,v1=<hex HMAC-SHA-256 of "<seconds>.<user>" under the secret of the project>`.',
    schema: { type: 'string' },
  },
})
