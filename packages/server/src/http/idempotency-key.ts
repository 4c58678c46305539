import type { IncomingMessage } from 'node:http'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../kernel/errors.ts'
import type { Route } from '../kernel/route.ts'

/** Whether requests of this route may name themselves: a file is kept nowhere, so it cannot be told again, nor compared a body that is read as it comes. */
export const isRepeatable = ({ method, access, answersFile, body }: Route): boolean =>
  method === 'POST' && access !== 'public' && answersFile !== true && body !== 'stream'

/** Printable ASCII, and no longer than what Stripe and others take. */
const KEY = /^[\x20-\x7e]{1,255}$/
/** A string of structured fields, RFC 9651 section 3.3.3: what draft-ietf-httpapi-idempotency-key-header asks for. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/

/**
 * Reads the header `Idempotency-Key`, quoted or bare; null where there is none.
 * @throws AppError `idempotency_key_invalid`
 */
export const readIdempotencyKey = (headers: IncomingMessage['headers']): string | null => {
  const value = headers[header.idempotencyKey]
  if (value === undefined) return null
  const text = String(value).trim()
  const quoted = QUOTED.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, '$1')
  const key = quoted ?? text
  if (!KEY.test(key) || (quoted === undefined && text.startsWith('"'))) throw new AppError('idempotency_key_invalid')
  return key
}

const BOUNDARY = /^multipart\/[^;]+;.*\bboundary="?([^";]+)"?/i

/** The parts of a body that make two the same: a form's boundary is drawn anew by each try. */
export const comparableBody = (body: unknown, contentType: string | undefined): (string | Buffer)[] => {
  if (body === undefined) return []
  if (!Buffer.isBuffer(body)) return [sorted(body)]
  const boundary = BOUNDARY.exec(contentType ?? '')?.[1]
  if (boundary === undefined) return [body]
  const parts: Buffer[] = []
  let from = 0
  for (let at = body.indexOf(boundary); at !== -1; at = body.indexOf(boundary, from)) {
    parts.push(body.subarray(from, at))
    from = at + boundary.length
  }
  return [...parts, body.subarray(from)]
}

/** JSON with the members of each object in order. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  )
