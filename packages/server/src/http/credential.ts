import { AppError } from '../kernel/errors.ts'

const publishable = 'hg_pk_'

/**
 * The key of a request whose route takes one in its query too. Addresses are kept by browsers, proxies and logs: a secret key has no
 * place there. @throws AppError `invalid_api_key` for any other than a publishable one, `origin_not_allowed` where no page asks.
 */
export const readQueryCredential = (headers: Headers, key: unknown): string | null => {
  const own = readCredential(headers)
  if (own !== null || key === undefined) return own
  if (typeof key !== 'string' || !key.startsWith(publishable))
    throw new AppError('invalid_api_key', { detail: 'Only a publishable key may stand in an address.' })
  // Typed in, or opened from a bookmark: no page stands behind it.
  if (headers['sec-fetch-site'] === 'none') throw new AppError('origin_not_allowed')
  return key
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The key of a request: `Authorization: Bearer`, else `x-api-key`, else `api-key`; null when none was sent. */
export const readCredential = (headers: Headers): string | null => {
  const authorization = headers['authorization']
  if (typeof authorization === 'string' && authorization.length > 7) {
    const scheme = authorization.slice(0, 7)
    if (scheme === 'Bearer ' || scheme.toLowerCase() === 'bearer ') return authorization.slice(7).trim()
  }
  const key = headers['x-api-key'] ?? headers['api-key']
  return typeof key === 'string' && key !== '' ? key : null
}
