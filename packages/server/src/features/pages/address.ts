import type { PagesPorts } from './pages.ports.ts'

/** A host and port that can stand in a page and in a shell command. */
const harmless = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** The address by which the reader came: the configured one, else what the request says, else our own. */
export const addressOf = (
  { publicUrl, scheme, ownAddress }: PagesPorts,
  host: string | string[] | undefined,
): string => {
  if (publicUrl !== null) return publicUrl
  return typeof host === 'string' && harmless.test(host) ? `${scheme}://${host}` : ownAddress()
}
