import { type InferenceRequest, type MemberSpan, replaceSpan } from './inference.ts'

/** A request with one top-level member taken out, or under another name; everything else byte for byte. */
export const withMember = (request: InferenceRequest, name: string, newName: string | null): InferenceRequest => {
  const { body, members } = request
  const span = members.get(name)
  if (span === undefined) return request
  const before = [...members.values()].filter(({ end }) => end <= span.start)
  const isFirst = before.length === 0
  const from = isFirst ? body.indexOf('{') + 1 : Math.max(...before.map(({ end }) => end))
  let to = span.start
  let text = `${isFirst ? '' : ','}"${newName}":`
  if (newName === null) {
    text = ''
    const comma = isFirst ? body.indexOf(',', span.end) : -1
    to = comma === -1 || members.size === 1 ? span.end : comma + 1
  }
  const growth = Buffer.byteLength(text) - (to - from)
  const moved = new Map<string, MemberSpan>()
  for (const [other, { start, end }] of members) {
    if (other === name && newName === null) continue
    const shift = start >= to ? growth : 0
    moved.set(other === name ? (newName ?? other) : other, { start: start + shift, end: end + shift })
  }
  return { ...request, body: replaceSpan(body, from, to, text), members: moved }
}
