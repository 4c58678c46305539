import type { MediaTold } from '../../../domain/media.ts'
import { nothingTold, readMedia } from '../../../domain/media-report.ts'
import { ProviderFault } from '../provider.ts'
import { faultOfErrorObject } from './faults.ts'
import { checkEnds, parsedBytes, parseObject } from './json-body.ts'
import type { WholeReading } from './whole-reading.ts'

const searchedBytes = 16_384
const quote = 34
const colon = 58
const backslash = 92

const malformed = (status: number): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: status, retry: 'elsewhere' })

const isBlank = (byte: number | undefined): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9

/** How often a member of this name stands in JSON; inside a text its quotes would be escaped. */
const countMembers = (json: Buffer, name: string): number => {
  const needle = Buffer.from(`"${name}"`)
  let count = 0
  for (let at = json.indexOf(needle); at >= 0; at = json.indexOf(needle, at + needle.length)) {
    if (json[at - 1] === backslash) continue
    let after = at + needle.length
    while (isBlank(json[after])) after++
    // A value that is empty is no image.
    if (json[after] !== colon) continue
    after++
    while (isBlank(json[after])) after++
    if (json[after] === quote && json[after + 1] !== quote) count++
  }
  return count
}

/** The members beside the pictures of a large answer: its ends hold them. */
const readEnds = (body: Buffer): MediaTold => {
  for (const part of [body.subarray(-searchedBytes), body.subarray(0, searchedBytes)]) {
    const text = part.toString('latin1')
    const usage = /"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})/.exec(text)?.[1]
    if (usage === undefined) continue
    const word = (name: string) => new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]{1,64})"`).exec(text)?.[1]
    try {
      return readMedia({ usage: JSON.parse(usage), size: word('size'), quality: word('quality') })
    } catch {
      // Text that looks like it.
    }
  }
  return nothingTold
}

const isError = (answer: Readonly<Record<string, unknown>>): boolean =>
  answer['error'] !== undefined && answer['error'] !== null

/**
 * Checks that a 2xx body holds pictures, and counts them. @throws ProviderFault `upstream_malformed` where it holds none, or the fault
 * that an error object in it means.
 */
export const readImagesAnswer = (body: Buffer, status: number, secrets: readonly string[]): WholeReading => {
  if (body.length > parsedBytes) {
    checkEnds(body, status)
    const images = countMembers(body, 'b64_json') || countMembers(body, 'url')
    if (images === 0) throw malformed(status)
    return { usage: null, media: { ...readEnds(body), images } }
  }
  const answer = parseObject(body, status)
  const { data } = answer
  if (isError(answer) && data === undefined) throw faultOfErrorObject(answer, status, secrets)
  const images = Array.isArray(data)
    ? data.filter((one: unknown) => {
        const { b64_json: bytes, url } = (one ?? {}) as Record<string, unknown>
        return (typeof bytes === 'string' && bytes !== '') || (typeof url === 'string' && url !== '')
      }).length
    : 0
  if (images === 0) throw malformed(status)
  return { usage: null, media: { ...readMedia(answer), images } }
}

/** Of subtitles: when the last one ends (`00:01:02,500` or `01:02.500`). */
const lastTimeMs = (text: string): number | null => {
  const last = [...text.slice(-searchedBytes).matchAll(/-->\s*(?:(\d+):)?(\d{1,2}):(\d{2})[,.](\d{3})/g)].at(-1)
  if (last === undefined) return null
  const [, hours = '0', minutes, seconds, rest] = last
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 + Number(rest)
}

/**
 * Checks a transcript: JSON, or a plain text or subtitles, in which nothing at all may have been said.
 * @throws ProviderFault `upstream_malformed` for a page or an empty answer, or the fault that an error object means.
 */
export const readTranscript = (
  body: Buffer,
  status: number,
  secrets: readonly string[],
  type: string,
): WholeReading => {
  if (/^application\/([a-z0-9.-]+\+)?json\b/i.test(type) || (type === '' && body[0] === 0x7b)) {
    const answer = parseObject(body, status)
    if (isError(answer) && answer['text'] === undefined) throw faultOfErrorObject(answer, status, secrets)
    if (typeof answer['text'] !== 'string' && !Array.isArray(answer['segments'])) throw malformed(status)
    return { usage: null, media: readMedia(answer) }
  }
  if (body.length === 0 || !/^(text\/(plain|vtt|srt)|application\/(x-subrip|octet-stream))\b/i.test(type))
    throw malformed(status)
  const text = body.toString('utf8')
  return {
    usage: null,
    media: { ...nothingTold, audioMs: lastTimeMs(text), textLength: text.length },
    contentType: type,
  }
}

/** Checks verdicts. @throws ProviderFault as above. */
export const readModerationAnswer = (body: Buffer, status: number, secrets: readonly string[]): WholeReading => {
  const answer = parseObject(body, status)
  if (isError(answer) && answer['results'] === undefined) throw faultOfErrorObject(answer, status, secrets)
  if (!Array.isArray(answer['results']) || answer['results'].length === 0) throw malformed(status)
  return { usage: null, media: readMedia(answer) }
}
