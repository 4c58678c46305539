import type { InferenceRequest } from './inference.ts'

/**
 * Tokens that every image counts for: OpenAI's 85 + 4 tiles × 170 of a 1,024 × 1,024 image at high detail. The true number
 * hangs on size, detail and model, and would need the image to be fetched.
 */
export const imageTokens = 765
/** Audio and files inside a message: a round figure, since their length is unknown here. */
export const attachmentTokens = 1_000

const bytesPerToken = 4

const quote = 34
const colon = 58
const space = 32
const backslash = 92
/** Bytes in which the media type of a data URL, or the members before the data of an audio part, must fit. */
const longestPreamble = 128

/** More of anything is not looked for: the caller of a hostile body must not hold up the others. */
const mostAttachments = 4_096

const payloadMark = Buffer.from(';base64,')
const dataScheme = Buffer.from('"data:')
const audioType = Buffer.from('"input_audio"')
const audioData = Buffer.from('"data"')
/** How attachments name themselves; inside a text the quotes would be escaped. */
const partTypes: readonly (readonly [name: Buffer, tokens: number])[] = [
  [Buffer.from('"image_url"'), imageTokens],
  [audioType, attachmentTokens],
  [Buffer.from('"file"'), attachmentTokens],
]

const isBlank = (byte: number | undefined): boolean => byte === space || byte === 10 || byte === 13 || byte === 9

/** Where `needle` stands in `json`, at most 4,096 places. */
const placesOf = function* (json: Buffer, needle: Buffer): Generator<number> {
  let at = json.indexOf(needle)
  for (let found = 0; at >= 0 && found < mostAttachments; found += 1) {
    yield at
    at = json.indexOf(needle, at + needle.length)
  }
}

/** Whether the name at `at` is a value, as in `"type": "image_url"`, and not the member of that name. */
const isValue = (json: Buffer, at: number): boolean => {
  let before = at - 1
  while (isBlank(json[before])) before -= 1
  return json[before] === colon
}

/** Length of the base64 that begins at `start` and ends with its string; 0 when it is text after all. */
const payloadLength = (json: Buffer, start: number): number => {
  const end = json.indexOf(quote, start)
  if (end < 0 || json.subarray(start, end).includes(space)) return 0
  return end - start
}

/** Whether the mark at `at` belongs to a string that is a data URL, and not to a text that has one in it. */
const isDataUrl = (json: Buffer, at: number): boolean => {
  const from = Math.max(0, at - longestPreamble)
  const scheme = json.subarray(from, at).lastIndexOf(dataScheme)
  return scheme >= 0 && json[from + scheme - 1] !== backslash
}

/** Bytes of base64 in audio parts, which come without a data URL. */
const audioBytes = (json: Buffer): number => {
  let bytes = 0
  for (const at of placesOf(json, audioType)) {
    if (isValue(json, at)) continue
    const from = at + audioType.length
    const data = json.subarray(from, from + longestPreamble).indexOf(audioData)
    const start = data < 0 ? -1 : json.indexOf(quote, from + data + audioData.length)
    if (start >= 0) bytes += payloadLength(json, start + 1)
  }
  return bytes
}

const estimateJson = (json: Buffer): number => {
  let tokens = Math.ceil((json.length - audioBytes(json)) / bytesPerToken)
  for (const [name, each] of partTypes) for (const at of placesOf(json, name)) if (isValue(json, at)) tokens += each
  return tokens
}

/**
 * Input tokens of a request by its size, without parsing it: one per four bytes, a fixed number for each image, audio or
 * file instead of its base64; never above the request's bound.
 */
export const estimateInput = ({ body, inputTokensBound }: InferenceRequest): number => {
  let tokens = 0
  let from = 0
  let at = body.indexOf(payloadMark)
  for (let found = 0; at >= 0 && found < mostAttachments; found += 1) {
    const start = at + payloadMark.length
    const length = isDataUrl(body, at) ? payloadLength(body, start) : 0
    if (length > 0) {
      tokens += estimateJson(body.subarray(from, start))
      from = start + length
    }
    at = body.indexOf(payloadMark, start + length)
  }
  return Math.min(inputTokensBound, tokens + estimateJson(body.subarray(from)))
}
