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
