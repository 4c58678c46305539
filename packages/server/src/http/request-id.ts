import { prefixedId } from '../kernel/ids.ts'

const wellFormed = /^[A-Za-z0-9._-]{1,128}$/

/** The caller's `x-request-id` when it is harmless to echo and log, else one of ours. */
export const acceptRequestId = (given: string | string[] | undefined, now: number): string =>
  typeof given === 'string' && wellFormed.test(given) ? given : prefixedId('req', now)
