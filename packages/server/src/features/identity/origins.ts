/** Whether an `Origin` header (`https://app.example.org`) is among those a key is bound to. */
export type OriginMatcher = (origin: string) => boolean

const ruleForm = /^(https?):\/\/(\*\.)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?$/

/**
 * Writes an origin rule in its one form: lower case, no default port, no path. A rule is `scheme://host[:port]`,
 * `https://*.example.org` for every subdomain (not the domain itself), or `http://localhost:*` for every port.
 * @throws RangeError saying what is wrong.
 */
export const normaliseOrigin = (text: string): string => {
  const match = ruleForm.exec(text.toLowerCase().replace(/\/$/, ''))
  if (!match)
    throw new RangeError('is not an origin: write scheme://host[:port], without path, such as https://app.example.org')
  const [, scheme = '', wildcard = '', host = '', port] = match
  if (host.includes('..')) throw new RangeError('is not an origin: the host has an empty label')
  if (wildcard !== '' && !host.includes('.'))
    throw new RangeError('is too wide: a wildcard stands for subdomains of a domain such as https://*.example.org')
  if (port === '*' && !isLoopback(host))
    throw new RangeError('is too wide: any port is allowed for localhost, 127.0.0.1 and [::1] only')
  if (port !== undefined && port !== '*' && Number(port) > 65_535) throw new RangeError('has a port above 65535')
  const usual = (scheme === 'https' && port === '443') || (scheme === 'http' && port === '80')
  return `${scheme}://${wildcard}${host}${port === undefined || usual ? '' : `:${port === '*' ? port : Number(port)}`}`
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '127.0.0.1' || host === '[::1]'

/** Compiles normalised rules. */
export const compileOrigins = (rules: Iterable<string>): OriginMatcher => {
  const exact = new Set<string>()
  const patterns: RegExp[] = []
  for (const rule of rules) {
    if (!rule.includes('*')) exact.add(rule)
    else {
      const escaped = rule.replace(/[.[\]\\/]/g, '\\$&')
      patterns.push(
        new RegExp(
          `^${escaped.replace('*\\.', '(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\\.)+').replace(/:\*$/, '(?::\\d{1,5})?')}$`,
        ),
      )
    }
  }
  return (origin) => exact.has(origin) || patterns.some((pattern) => pattern.test(origin))
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The origin a request came from: `Origin`, else that of `Referer`; null when neither says so. */
export const originOf = (headers: Headers): string | null => {
  const { origin, referer } = headers
  // An opaque origin is sent as the text "null": it must not fall back to a Referer.
  if (typeof origin === 'string') return origin
  if (typeof referer !== 'string' || !URL.canParse(referer)) return null
  return new URL(referer).origin
}
