import { randomUUID } from 'node:crypto'
import type { MemberSpan } from '../../../domain/inference.ts'
import { isObject, type Members } from '../translation/parts.ts'

/** A picture that was fetched for an address. */
export interface NamedImage {
  readonly url: string
  /** Its media type. */
  readonly type: string
  readonly bytes: Uint8Array
}

/** A chat request, and where its members stand. */
export interface SpannedBody {
  readonly body: Buffer
  readonly members: ReadonlyMap<string, MemberSpan>
}

const base64Of = ({ type, bytes }: NamedImage): Buffer => {
  const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Buffer.from(`data:${type};base64,${plain.toString('base64')}`, 'latin1')
}

/**
 * The same request with pictures in the place of their addresses, as data URLs. Only the messages are written anew; every other member
 * keeps its bytes.
 */
export const insertImages = ({ body, members }: SpannedBody, images: readonly NamedImage[]): SpannedBody => {
  const span = members.get('messages')
  if (span === undefined) return { body, members }
  // Nobody can have written it into a text.
  const mark = randomUUID()
  const order = new Map(images.map(({ url }, index) => [url, index]))
  const marked = (url: unknown): string | null => {
    const index = typeof url === 'string' ? order.get(url) : undefined
    return index === undefined ? null : `${mark}${index}${mark}`
  }
  const withMark = (part: unknown): unknown => {
    if (!isObject(part) || part['type'] !== 'image_url') return part
    const given = part['image_url']
    const url = marked(isObject(given) ? given['url'] : given)
    if (url === null) return part
    return { ...part, image_url: isObject(given) ? { ...given, url } : url }
  }
  const messages = JSON.parse(body.toString('utf8', span.start, span.end)) as readonly Members[]
  const written = messages.map((message) =>
    Array.isArray(message['content']) ? { ...message, content: message['content'].map(withMark) } : message,
  )
  // Text and the number of a picture in turn.
  const pieces = JSON.stringify(written)
    .split(new RegExp(`${mark}(\\d+)${mark}`))
    .map((piece, index) => (index % 2 === 0 ? Buffer.from(piece) : base64Of(images[Number(piece)] as NamedImage)))
  const grown = Buffer.concat([body.subarray(0, span.start), ...pieces, body.subarray(span.end)])
  const growth = grown.length - body.length
  const shifted = [...members].map(([name, { start, end }]): [string, MemberSpan] => [
    name,
    start >= span.end
      ? { start: start + growth, end: end + growth }
      : { start, end: end > span.start ? end + growth : end },
  ])
  return { body: grown, members: new Map(shifted) }
}
