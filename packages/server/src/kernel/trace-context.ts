import { randomHex } from './ids.ts'

/** W3C Trace Context, level 1 (www.w3.org/TR/trace-context): ids are lower-case hex, all zeros is none. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

type HeaderValue = string | readonly string[] | undefined

const wellFormed = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Reads a `traceparent`; null when it is absent or not as it should be. A later version may carry more behind. */
export const parseTraceparent = (given: HeaderValue): TraceParent | null => {
  if (typeof given !== 'string' || given.length < 55) return null
  const match = wellFormed.exec(given)
  if (!match || (match[1] === '00' && given.length !== 55)) return null
  const [, , traceId = '', spanId = '', flags = ''] = match
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

const MOST_MEMBERS = 32
/** Longest that is passed on; the recommendation asks for at least 512. */
const MOST_STATE_CHARACTERS = 2_048
const member =
  /^([a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}|[a-z][a-z0-9_\-*/]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/** Reads a `tracestate`; '' when it is absent or not as it should be. */
export const parseTracestate = (given: HeaderValue): string => {
  const text = typeof given === 'string' ? given : (given ?? []).join(',')
  if (text.length > MOST_STATE_CHARACTERS) return ''
  const members = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (members.length > MOST_MEMBERS || !members.every((one) => member.test(one))) return ''
  const names = new Set(members.map((one) => one.slice(0, one.indexOf('='))))
  return names.size === members.length ? members.join(',') : ''
}

/** The `traceparent` under which a call goes on. */
export const formatTraceparent = ({ traceId, spanId, sampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`

export const newTraceId = (): string => randomHex(16)

/** Root spans end in the digits 0001, so that the spans below need no randomness of their own. */
export const newSpanId = (): string => `${randomHex(6)}0001`
