import { header } from '@headgate/contract/headers.ts'
import type { Deprecation, Route } from '../kernel/route.ts'

/** Where people read which routes go, and when. */
const INFORMATION = '/docs/reference/routes'

const dayOf = (text: string): number => {
  const at = Date.parse(`${text}T00:00:00Z`)
  if (Number.isNaN(at)) throw new Error(`${text} is no day such as 2027-01-31`)
  return at
}

/**
 * The headers that every answer of a deprecated route carries: `Deprecation` (RFC 9745, a date of RFC 9651), `Sunset`
 * (RFC 8594, an HTTP date) and `Link` with `deprecation` and `successor-version` (RFC 5829). `address` tells where callers
 * reach this server. @throws Error where a day is none, or the route would end before it is deprecated.
 */
export const deprecationHeaders = (
  { since, sunset, successor }: Deprecation,
  address: () => string,
): (() => Record<string, string>) => {
  const from = dayOf(since)
  const end = sunset === undefined ? null : dayOf(sunset)
  if (end !== null && end < from) throw new Error(`A route deprecated on ${since} cannot end on ${sunset} already`)
  const fixed = {
    [header.deprecation]: `@${from / 1000}`,
    ...(end !== null && { [header.sunset]: new Date(end).toUTCString() }),
  }
  return () => {
    const links = [`<${address()}${INFORMATION}>; rel="deprecation"; type="text/html"`]
    if (successor !== undefined) links.push(`<${address()}${successor}>; rel="successor-version"`)
    return { ...fixed, [header.link]: links.join(', ') }
  }
}

/** What the API document says of a deprecated operation, and of the headers of its answers. */
export const describeDeprecation = ({ deprecated }: Route) => {
  if (!deprecated) return { words: [], headers: {} }
  const { since, sunset, successor } = deprecated
  const text = (description: string) => ({ description, schema: { type: 'string' } })
  return {
    words: [
      `Deprecated since ${since}${sunset === undefined ? '' : `; ends on ${sunset}`}.` +
        (successor === undefined ? '' : ` Use \`${successor}\`.`),
    ],
    headers: {
      [header.deprecation]: text('When the route became deprecated (RFC 9745).'),
      ...(sunset !== undefined && { [header.sunset]: text('When the route ends (RFC 8594).') }),
      [header.link]: text('Where this is explained, and what comes after the route.'),
    },
  }
}
