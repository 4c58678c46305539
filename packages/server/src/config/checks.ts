import { X509Certificate } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { parseUsd } from '../domain/money.ts'
import { foldCharacter, foldText } from '../kernel/automaton.ts'
import { PatternFault, readPattern } from '../kernel/linear-pattern.ts'

/** A rule beyond JSON Schema: what is wrong with the text, or undefined. */
type Check = { expected: string; problem: (text: string) => string | undefined }

const parsedUrl = (text: string, protocols: readonly string[]): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'is not a URL'
  return protocols.includes(url.protocol) ? undefined : `has the scheme ${url.protocol.slice(0, -1).slice(0, 20)}`
}

const httpUrl = (text: string): string | undefined => {
  const problem = parsedUrl(text, ['http:', 'https:'])
  if (problem !== undefined) return problem
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'holds a user name or password'
  return url.search !== '' || url.hash !== '' ? 'holds a query or fragment' : undefined
}

const certificates = (text: string): string | undefined => {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) return 'holds no certificate'
  try {
    for (const certificate of found) new X509Certificate(certificate)
    return undefined
  } catch {
    return 'holds what is no certificate'
  }
}

/** The address of a hook is a secret as a whole: some hold their key in the path, some in the query. */
const hookUrl = (text: string): string | undefined => parsedUrl(text, ['http:', 'https:'])

const smtpUrl = (text: string): string | undefined => {
  const problem = parsedUrl(text, ['smtp:', 'smtps:'])
  return problem ?? (new URL(text).hostname === '' ? 'names no host' : undefined)
}

const cidr = (text: string): string | undefined => {
  const [address = '', prefix, ...rest] = text.split('/')
  const longest = ipaddr.IPv4.isValidFourPartDecimal(address) ? 32 : ipaddr.IPv6.isValid(address) ? 128 : 0
  if (longest === 0 || address.includes('%') || rest.length > 0) return 'is no IP address or range'
  if (prefix === undefined) return undefined
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest ? undefined : 'has a wrong prefix length'
}

/** An address of IPv4, or of IPv6 in brackets where a port follows. */
const resolver = (text: string): string | undefined => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const isAlone = ipaddr.IPv6.isValid(text) && !text.includes('%')
  if (isAlone) return undefined
  const isAddress =
    bracketed === undefined ? ipaddr.IPv4.isValidFourPartDecimal(plain ?? '') : ipaddr.IPv6.isValid(bracketed)
  return isAddress && Number(port ?? 53) <= 65_535 ? undefined : 'is no address of a DNS server'
}

const readableFile = (path: string): string | undefined => {
  try {
    if (!statSync(path).isFile()) return 'is no file'
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    return `cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'error'})`
  }
}

const regularExpression = (text: string): string | undefined => {
  try {
    return new RegExp(text, 'gu').test('') ? 'matches nothing at all, and so everywhere' : undefined
  } catch {
    return 'is no regular expression'
  }
}

const linearPattern = (text: string): string | undefined => {
  try {
    readPattern(text, foldCharacter)
    return undefined
  } catch (fault) {
    if (fault instanceof PatternFault) return fault.message
    throw fault
  }
}

/** The rules that `x-check` names. */
export const checks: Readonly<Record<string, Check>> = {
  'http-url': { expected: 'an http:// or https:// address', problem: httpUrl },
  'proxy-url': {
    expected: 'an http:// or https:// address, or none',
    problem: (text) => (text === 'none' ? undefined : httpUrl(text)),
  },
  certificates: { expected: 'certificates in PEM, such as "${file:./ca.pem}"', problem: certificates },
  'hook-url': { expected: 'an http:// or https:// address', problem: hookUrl },
  'smtp-url': { expected: 'smtp://… or smtps://…', problem: smtpUrl },
  'postgres-url': { expected: 'postgres://…', problem: (text) => parsedUrl(text, ['postgres:', 'postgresql:']) },
  'redis-url': { expected: 'redis://… or rediss://…', problem: (text) => parsedUrl(text, ['redis:', 'rediss:']) },
  cidr: { expected: 'an IP address or a range such as 10.0.0.0/8', problem: cidr },
  resolver: { expected: 'an IP address, or one with a port such as 192.0.2.53:5353', problem: resolver },
  currency: {
    expected: 'three capital letters, such as EUR',
    problem: (text) => (/^[A-Z]{3}$/.test(text) ? undefined : 'is no code of a currency'),
  },
  'regular-expression': { expected: 'a regular expression of JavaScript', problem: regularExpression },
  'linear-pattern': {
    expected: 'a regular expression without references back and looking around, such as \\bticket-\\d{4,6}\\b',
    problem: linearPattern,
  },
  'blocked-text': {
    expected: 'a text that is not only space',
    problem: (text) => (foldText(text) === '' ? 'holds nothing that could be found' : undefined),
  },
  'witness-key': {
    expected: '<name>+<8 hex digits>+<base64>, as its operator gives it',
    problem: (text) => (/^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(text) ? undefined : 'is no public key'),
  },
  file: { expected: 'a readable file', problem: readableFile },
}

export const moneyExpected = 'USD as a decimal number with at most 9 places, such as 0.15 or "2.50"'
const largestAmount = 1_000_000n * 10n ** 9n

/** Nano-USD of a literal text, exactly, or what is wrong with it. */
export const readMoney = (text: string): { amount: bigint } | { problem: string } => {
  if (text.length > 40) return { problem: 'is too long' }
  let amount: bigint
  let finer: bigint
  try {
    amount = parseUsd(text)
    // 60 further places hold every digit that 40 characters can spell beyond the ninth.
    finer = parseUsd(text, 9 + 60)
  } catch {
    return { problem: 'is no decimal number' }
  }
  if (amount * 10n ** 60n !== finer) return { problem: 'is finer than 0.000000001 USD' }
  if (amount < 0n) return { problem: 'is negative' }
  return amount > largestAmount ? { problem: 'is more than 1,000,000 USD' } : { amount }
}
