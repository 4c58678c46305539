import { createHmac } from 'node:crypto'
import type { CacheWish } from '../../domain/cached-answer.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { outlineJson } from '../../kernel/json.ts'
import type { Place } from './cache.ports.ts'

/** Longer requests are not looked up: reading them twice would cost more than most of them save. */
const MOST_BYTES = 1_048_576
const cacheable = new Set(['chat', 'embeddings', 'images', 'speech'])
/** Members by which a model is told of tools; what it answers then may be acted on. */
const toolMembers = ['tools', 'functions']

const quote = 0x22
const backslash = 0x5c
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** A JSON text without the space between its parts. Nothing else is touched: numbers and members stay as they were written. */
export const withoutSpace = (json: Buffer): Buffer => {
  const packed = Buffer.allocUnsafe(json.length)
  let length = 0
  let isText = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number
    if (isText) {
      if (byte === backslash) packed[length++] = json[at++] as number
      else if (byte === quote) isText = false
    } else if (byte === quote) isText = true
    else if (isSpace(byte)) continue
    packed[length++] = json[at] as number
  }
  return packed.subarray(0, length)
}

/** Whether a request is one that answers can be kept for. */
export const isCacheable = (request: InferenceRequest, { withTools }: CacheWish): boolean =>
  cacheable.has(request.operation) &&
  request.body.length <= MOST_BYTES &&
  (request.media === undefined || request.media.contentType === null) &&
  (withTools || !toolMembers.some((name) => request.members.has(name)))

/**
 * Where the answer to a request stands: the project, and a digest under the pepper of who asks and everything that decides the
 * answer. Two requests have one place when they go to the same model of the same provider and their members are the same, in whatever order,
 * each written the same but for space. Null where a member is named twice, since then it is the provider who decides which one counts.
 */
export const placeOf = (
  pepper: Buffer,
  target: Target,
  request: InferenceRequest,
  exchange: Pick<Exchange, 'caller' | 'user' | 'address'>,
  { isShared }: CacheWish,
): Place | null => {
  const { caller, user, address } = exchange
  const written = request.translation?.messages ?? request.body
  const { members, duplicates } = outlineJson(written)
  if (duplicates.length > 0) return null
  const { projectId } = caller
  // A browser's key is many people's: where none is proven, the address tells them apart.
  const holder = isShared ? [] : [caller.keyId, user ?? '', caller.kind === 'secret' ? '' : address]
  const { translation } = request
  const protocol = translation === undefined ? 'chat' : JSON.stringify([translation.strict, translation.lost])
  const digest = createHmac('sha256', pepper).update('headgate/cache/1')
  const add = (part: string | Buffer): void => void digest.update(`\n${Buffer.byteLength(part)}\n`).update(part)
  for (const part of [projectId, ...holder, String(isShared), request.operation, protocol, target.name]) add(part)
  // Where budgets or tiers bound the output, the cap is in no member of the Messages protocol's own text.
  add(String(request.maxOutputTokens))
  for (const name of [...members.keys()].sort()) {
    // The model is told by its target; who is asked for, by the holder.
    if (name === 'model' || (name === 'user' && isShared)) continue
    const { start, end } = members.get(name) as { start: number; end: number }
    add(name)
    add(withoutSpace(written.subarray(start, end)))
  }
  return { project: projectId, lookup: digest.digest('hex') }
}
