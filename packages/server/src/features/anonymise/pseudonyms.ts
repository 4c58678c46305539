import { digits, type Keyed, letters } from './keyed.ts'

/** Forms that a pseudonym can keep. */
export const pseudonymKinds = ['text', 'email', 'phone', 'uuid', 'integer'] as const
export type PseudonymKind = (typeof pseudonymKinds)[number]

export interface PseudonymOptions {
  readonly kind: PseudonymKind
  /** Values of one space get the same pseudonym in every column and table. */
  readonly space: string
  /** Stands before a pseudonym of kind `text`, and before the local part of an address. */
  readonly prefix: string
  /** Of an e-mail address the part behind the `@` stays. */
  readonly keepDomain: boolean
}

const payloadLength = 16
const checkLength = 6
/** No address of mail is there (RFC 2606, 2). */
const nowhere = 'pseudonym.invalid'

/**
 * A pseudonym ends with characters that only the key can make of those before them: so one that comes again is known and stays, and nothing
 * else is taken for one (1 of 2^30 values in its form).
 */
const textual = (keyed: Keyed, { prefix, space }: PseudonymOptions) => {
  const checkOf = (payload: string) => letters(keyed.bytes(`check:${space}`, payload), checkLength)
  const form = new RegExp(`^([0-9a-hjkmnp-tv-z]{${payloadLength}})([0-9a-hjkmnp-tv-z]{${checkLength}})$`)
  return {
    isOne: (value: string): boolean => {
      if (!value.startsWith(prefix)) return false
      const [, payload, check] = form.exec(value.slice(prefix.length)) ?? []
      return payload !== undefined && check === checkOf(payload)
    },
    make: (value: string): string => {
      const payload = letters(keyed.bytes(space, value), payloadLength)
      return prefix + payload + checkOf(payload)
    },
  }
}

const email = (keyed: Keyed, options: PseudonymOptions) => {
  const local = textual(keyed, options)
  return (value: string): string => {
    const at = value.lastIndexOf('@')
    const domain = value.slice(at + 1).toLowerCase()
    if (at > 0 && local.isOne(value.slice(0, at)) && (options.keepDomain || domain === nowhere)) return value
    // The name of a host does not tell capitals apart (RFC 5321, 2.4), and people do not in what stands before it.
    return `${local.make(value.trim().toLowerCase())}@${options.keepDomain && at >= 0 ? domain : nowhere}`
  }
}

/** Country code 999 is given to no country (ITU-T E.164, list of assigned codes), and no national number begins with three zeros. */
const marks = { international: '999', national: '000' } as const
const fewestDigits = 12
const phoneCheck = 4

const phone = (keyed: Keyed, { space }: PseudonymOptions) => {
  const checkOf = (body: string) => digits(keyed.bytes(`check:${space}`, body), phoneCheck)
  return (value: string): string => {
    const plain = value.replace(/\D/g, '')
    const mark = /^\s*\(?\+/.test(value) ? marks.international : marks.national
    const own = plain.slice(0, -phoneCheck)
    if (plain.length >= fewestDigits && plain.startsWith(mark) && plain.endsWith(checkOf(own))) return value
    const length = Math.max(fewestDigits, plain.length)
    const body = mark + digits(keyed.bytes(space, plain), length - mark.length - phoneCheck)
    const made = body + checkOf(body)
    let at = 0
    const shaped = value.replace(/\d/g, () => made[at++] as string)
    return (plain === '' ? '' : shaped) + made.slice(at)
  }
}

/** A UUID of version 8, whose bits are free (RFC 9562, 5.8); its last 32 bits are the check. */
const uuid = (keyed: Keyed, { space }: PseudonymOptions) => {
  const dress = (hex: string): string => {
    const marked = `${hex.slice(0, 12)}8${hex.slice(13, 16)}a${hex.slice(17, 24)}`
    return marked + keyed.bytes(`check:${space}`, marked).toString('hex').slice(0, 8)
  }
  return (value: string): string => {
    const hex = value.replaceAll('-', '').toLowerCase()
    if (/^[0-9a-f]{12}8[0-9a-f]{3}a[0-9a-f]{15}$/.test(hex) && dress(hex) === hex) return value
    const made = dress(keyed.bytes(space, hex).toString('hex'))
    return [0, 8, 12, 16, 20].map((start, at, all) => made.slice(start, all[at + 1] ?? 32)).join('-')
  }
}

/** Fifteen digits that begin with 9: fits a `bigint` and a number of JavaScript; eight are free and six are the check. */
const integer = (keyed: Keyed, { space }: PseudonymOptions) => {
  const checkOf = (body: string) => digits(keyed.bytes(`check:${space}`, body), checkLength)
  return (value: string): string => {
    const body = value.slice(0, 9)
    if (/^9\d{14}$/.test(value) && value.endsWith(checkOf(body))) return value
    const made = `9${digits(keyed.bytes(space, value), 8)}`
    return made + checkOf(made)
  }
}

/** Makes the pseudonyms of one kind: the same value has the same one each time, and a pseudonym that comes again stays as it is. */
export const createPseudonyms = (keyed: Keyed, options: PseudonymOptions): ((value: string) => string) => {
  if (options.kind === 'email') return email(keyed, options)
  if (options.kind === 'phone') return phone(keyed, options)
  if (options.kind === 'uuid') return uuid(keyed, options)
  if (options.kind === 'integer') return integer(keyed, options)
  const { isOne, make } = textual(keyed, options)
  return (value) => (isOne(value) ? value : make(value))
}
