import type { Finding, RedactedKind } from '../../domain/redacted-kinds.ts'

/**
 * Formats of keys, as their issuers publish them for scanners. Each begins with letters that nothing else begins with, stands alone, and has a
 * bounded length, so that no text makes the search slow.
 */
const formats: readonly (readonly [RedactedKind, RegExp])[] = [
  ['own_key', /(?<![A-Za-z0-9_])hg_[sp]k_[A-Za-z0-9]{48}(?![A-Za-z0-9])/g],
  ['anthropic_key', /(?<![A-Za-z0-9_-])sk-ant-[A-Za-z0-9_-]{20,200}/g],
  ['openai_key', /(?<![A-Za-z0-9_-])sk-(?!ant-)(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,200}/g],
  ['aws_key', /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g],
  ['github_token', /(?<![A-Za-z0-9_])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})/g],
  ['google_key', /(?<![A-Za-z0-9_-])(?:AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28})(?![A-Za-z0-9_-])/g],
  ['slack_token', /(?<![A-Za-z0-9_-])(?:xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{10,250})/g],
  ['stripe_key', /(?<![A-Za-z0-9_])[rs]k_(?:live|test)_[A-Za-z0-9]{16,247}/g],
]
/** Marks without which a format need not be looked for. */
const hints: Readonly<Record<string, readonly string[]>> = {
  own_key: ['hg_'],
  anthropic_key: ['sk-ant-'],
  openai_key: ['sk-'],
  aws_key: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
  github_token: ['gh', 'github_pat_'],
  google_key: ['AIza', 'GOCSPX-'],
  slack_token: ['xox', 'xapp-'],
  stripe_key: ['_live_', '_test_'],
}

const begins = '-----BEGIN '
const ends = '-----END '
/** Longest private key in PEM that is looked for the end of: RSA of 16,384 bits has 12.7 KB. */
const mostKey = 16_384

/** A private key in PEM (RFC 7468), whole, or its beginning where its end is missing. */
const findPrivateKeys = (text: string): Finding[] => {
  const found: Finding[] = []
  for (let start = text.indexOf(begins); start !== -1; start = text.indexOf(begins, start + begins.length)) {
    if (!/^[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/.test(text.slice(start + begins.length, start + 80))) continue
    const near = text.slice(start + begins.length, start + mostKey)
    const next = near.indexOf(begins)
    const body = next === -1 ? near : near.slice(0, next)
    const end = body.indexOf(ends)
    const line = end === -1 ? -1 : body.indexOf('-----', end + ends.length)
    const length = line === -1 ? body.length : line + 5
    found.push({ kind: 'private_key', start, end: start + begins.length + length })
    start += length
  }
  return found
}

const lengthOf = (text: string, from: number, most: number): number => {
  let at = from
  while (at < text.length && at - from < most) {
    const unit = text.charCodeAt(at)
    const isWord = (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122)
    if (!isWord && unit !== 45 && unit !== 95) break
    at++
  }
  return at - from
}

/** A JSON web token (RFC 7519): three parts in base64url, of which the first two are JSON and so begin with `eyJ`. */
const findTokens = (text: string): Finding[] => {
  const found: Finding[] = []
  for (let start = text.indexOf('eyJ'); start !== -1; start = text.indexOf('eyJ', start + 3)) {
    const header = lengthOf(text, start, 4_096)
    const payloadAt = start + header + 1
    if (header < 12 || text.slice(payloadAt - 1, payloadAt + 3) !== '.eyJ') {
      start += header - 3
      continue
    }
    const payload = lengthOf(text, payloadAt, 16_384)
    const end = payloadAt + payload
    const signature = text[end] === '.' ? 1 + lengthOf(text, end + 1, 4_096) : 0
    found.push({ kind: 'jwt', start, end: end + signature })
    start = end + signature - 3
  }
  return found
}

/** Finds keys and tokens. Those of no known format are not told from other words. */
export const findSecrets = (text: string, wanted: ReadonlySet<RedactedKind>): Finding[] => {
  const found: Finding[] = []
  if (wanted.has('private_key')) found.push(...findPrivateKeys(text))
  if (wanted.has('jwt')) found.push(...findTokens(text))
  for (const [kind, format] of formats) {
    if (!wanted.has(kind) || !(hints[kind] as readonly string[]).some((hint) => text.includes(hint))) continue
    for (const match of text.matchAll(format))
      found.push({ kind, start: match.index, end: match.index + match[0].length })
  }
  return found
}
