import ipaddr from 'ipaddr.js'
import type { Finding, RedactedKind } from '../../domain/redacted-kinds.ts'

const mostLocal = 64
const mostDomain = 253
const isLocal = (unit: number): boolean =>
  (unit >= 48 && unit <= 57) ||
  (unit >= 65 && unit <= 90) ||
  (unit >= 97 && unit <= 122) ||
  unit === 46 ||
  unit === 95 ||
  unit === 37 ||
  unit === 43 ||
  unit === 45 ||
  unit > 127

const domain =
  /^(?:[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])?\.){1,8}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9]{2,40}|[\u00a1-\uffff]{2,24})(?![A-Za-z0-9-])/

/** Addresses of mail (RFC 5321, 4.5.3.1: at most 64 and 253 characters), found from their `@`. */
const findEmails = (text: string): Finding[] => {
  const found: Finding[] = []
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    let start = at
    while (start > 0 && at - start < mostLocal && isLocal(text.charCodeAt(start - 1))) start--
    while (start < at && '.-'.includes(text[start] as string)) start++
    if (start === at) continue
    const match = domain.exec(text.slice(at + 1, at + 1 + mostDomain))
    if (match === null) continue
    found.push({ kind: 'email', start, end: at + 1 + match[0].length })
  }
  return found
}

/** Luhn’s check (ISO/IEC 7812-1, annex B). */
const isLuhn = (digits: string): boolean => {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** Digits of cards: 13 to 19 (ISO/IEC 7812-1), of the issuers that begin with 2 to 6, and not all the same. */
const isCard = (written: string): boolean => {
  const digits = written.replace(/[ -]/g, '')
  return (
    digits.length >= 13 && digits.length <= 19 && /^[2-6]/.test(digits) && !/^(\d)\1+$/.test(digits) && isLuhn(digits)
  )
}

/** Lengths by country (SWIFT, IBAN Registry). */
const ibanLengths = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 ' +
    'GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 ' +
    'MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 ' +
    'TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)

/** The check of ISO 13616: the digits of the number turned round leave 1 when divided by 97. */
const isMod97 = (iban: string): boolean => {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97
  }
  return rest === 1
}

/** How many characters of what is written are an account number; 0 when it is none. */
const ibanLength = (written: string): number => {
  const most = ibanLengths.get(written.slice(0, 2))
  if (most === undefined) return 0
  let iban = ''
  let at = 0
  for (; at < written.length && iban.length < most; at++) if (written[at] !== ' ') iban += written[at]
  const isAlone = !/^[A-Z0-9]/.test(written.slice(at))
  return iban.length === most && isAlone && isMod97(iban) ? at : 0
}

const isIpv4 = (written: string): boolean => written.split('.').every((part) => Number(part) <= 255)
/** Addresses that name nobody: this host, any host. */
const nobody = new Set(['127.0.0.1', '0.0.0.0', '255.255.255.255', '::', '::1'])

/**
 * Numbers begin where none stands before them, so that a long run of digits is tried once. Phones are those with a country’s code (E.164: at most
 * 15 digits), or in the North American way with its brackets or separators; other digits are more often something else.
 */
const cards = /(?<![\d.,-])(?<!\d )\d(?:[ -]?\d){12,18}(?![\d-])(?! \d)/g
const ibans = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/g
const phones =
  /(?<![\w+.-])(?:(?:\+|00)[1-9]\d{0,2}(?:[ .\-/]{0,2}\(?\d\)?){6,14}|\([2-9]\d{2}\) ?\d{3}[-. ]\d{4}|[2-9]\d{2}[-.][2-9]\d{2}[-.]\d{4})(?![\w-])/g
const ipv4s = /(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)/g
const ipv6s =
  /(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3}|:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])/g

/** Finds what tells who or where somebody is. */
export const findPersonal = (text: string, wanted: ReadonlySet<RedactedKind>): Finding[] => {
  const found: Finding[] = []
  const add = (kind: RedactedKind, start: number, length: number) => found.push({ kind, start, end: start + length })
  if (wanted.has('email')) found.push(...findEmails(text))
  const hasDigits = /\d/.test(text)
  if (wanted.has('iban') && hasDigits)
    for (const { 0: written, index } of text.matchAll(ibans)) {
      const length = ibanLength(written)
      if (length > 0) add('iban', index, length)
    }
  if (wanted.has('credit_card') && hasDigits)
    for (const { 0: written, index } of text.matchAll(cards))
      if (isCard(written)) add('credit_card', index, written.length)
  if (wanted.has('ip_address')) {
    if (hasDigits && text.includes('.'))
      for (const { 0: written, index } of text.matchAll(ipv4s))
        if (isIpv4(written) && !nobody.has(written)) add('ip_address', index, written.length)
    if (text.includes(':'))
      for (const { 0: written, index } of text.matchAll(ipv6s))
        if (ipaddr.IPv6.isValid(written) && !nobody.has(written)) add('ip_address', index, written.length)
  }
  if (wanted.has('phone') && hasDigits)
    for (const { 0: written, index } of text.matchAll(phones)) add('phone', index, written.length)
  return found
}
