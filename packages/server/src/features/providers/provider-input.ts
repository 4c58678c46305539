import { AppError } from '../../kernel/errors.ts'
import { isMachineAddress } from '../../kernel/outbound-address.ts'

/** A 400 about one member of the body. */
export const refuse = (location: string, message: string, fix?: string): AppError =>
  new AppError('invalid_parameter', {
    detail: `${location} ${message}${fix ? `. ${fix}` : ''}`,
    details: [{ location, message, ...(fix && { fix }) }],
  })

/** @throws AppError `invalid_parameter` unless it is a plain HTTP address: what stands in it is not sealed. */
export const checkAddress = (address: string): void => {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw refuse('base_url', 'is no http:// or https:// address')
  if (url.username !== '' || url.password !== '')
    throw refuse('base_url', 'holds a user name or password', 'Send it as a header: {"authorization": "Basic …"}.')
  // What stands in one's own network may be called, an Ollama beside this process for one; the secrets of the machine may not.
  if (isMachineAddress(url.hostname.replace(/^\[|\]$/g, '')))
    throw refuse('base_url', 'is a link-local address or that of a metadata service')
  if (url.search !== '' || url.hash !== '') throw refuse('base_url', 'holds a query or fragment')
}

/**
 * The keys that a body gives, none for null; undefined where it says nothing of keys.
 * @throws AppError `invalid_parameter` where it gives them twice.
 */
export const keysIn = (input: {
  readonly api_key?: string | null
  readonly api_keys?: readonly string[]
}): readonly string[] | undefined => {
  const { api_key: one, api_keys: several } = input
  if (one !== undefined && several !== undefined) throw refuse('api_keys', 'stands beside api_key', 'Send one of them.')
  if (several !== undefined) return several
  return one === undefined ? undefined : one === null ? [] : [one]
}
