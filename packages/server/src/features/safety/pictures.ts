import type { InferenceRequest } from '../../domain/inference.ts'
import { parseJson } from '../../kernel/json.ts'
import { outlineForm } from '../../kernel/multipart.ts'

/** What of a body are pictures. */
export interface FoundPictures {
  readonly pictures: readonly Uint8Array[]
  /** Pictures of which there is only an address, or that are no base64. */
  readonly unseen: number
}

const none: FoundPictures = { pictures: [], unseen: 0 }
const deepest = 64

const bytesOf = (text: string): Uint8Array | null => {
  const data = /^data:image\/[\w.+-]{1,40};base64,/i.exec(text)?.[0]
  if (data === undefined) return null
  const bytes = Buffer.from(text.slice(data.length), 'base64')
  return bytes.length === 0 ? null : bytes
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of a part `image_url`, in its two spellings. */
const addressOf = (part: Readonly<Record<string, unknown>>): string | null => {
  const { image_url: given } = part
  if (typeof given === 'string') return given
  return isObject(given) && typeof given['url'] === 'string' ? given['url'] : null
}

const collect = (root: unknown, take: (part: Readonly<Record<string, unknown>>) => boolean): void => {
  const walk = (value: unknown, depth: number): void => {
    if (depth > deepest) return
    if (Array.isArray(value)) for (const one of value) walk(one, depth + 1)
    else if (isObject(value) && !take(value)) for (const one of Object.values(value)) walk(one, depth + 1)
  }
  walk(root, 0)
}

const inJson = (root: unknown, isAnswer: boolean): FoundPictures => {
  const pictures: Uint8Array[] = []
  let unseen = 0
  collect(root, (part) => {
    const { b64_json: packed, url } = part
    if (isAnswer && typeof packed === 'string') {
      pictures.push(Buffer.from(packed, 'base64'))
      return true
    }
    const address = addressOf(part) ?? (isAnswer && typeof url === 'string' ? url : null)
    if (address === null) return false
    const bytes = bytesOf(address)
    if (bytes === null) unseen++
    else pictures.push(bytes)
    return true
  })
  return { pictures, unseen }
}

/** The pictures that a request brings: parts of a conversation, files of a form. */
export const picturesOfRequest = ({ operation, body, members, media }: InferenceRequest): FoundPictures => {
  const contentType = media?.contentType ?? null
  if (contentType !== null) {
    if (!operation.startsWith('image')) return none
    const files = outlineForm(body, contentType).filter(({ fileName, start, end }) => fileName !== null && end > start)
    return { pictures: files.map(({ start, end }) => body.subarray(start, end)), unseen: 0 }
  }
  const span = operation === 'chat' ? members.get('messages') : undefined
  if (span === undefined || body.indexOf('"image_url"', span.start) === -1) return none
  return inJson(JSON.parse(body.toString('utf8', span.start, span.end)), false)
}

/** The pictures of a whole answer; of a conversation those that a model draws beside its words. */
export const picturesOfAnswer = (operation: string, body: Buffer): FoundPictures => {
  if (operation.startsWith('image')) return inJson((parseJson(body) as { data?: unknown }).data, true)
  if (operation !== 'chat' || body.indexOf('"image_url"') === -1) return none
  return inJson((parseJson(body) as { choices?: unknown }).choices, false)
}
