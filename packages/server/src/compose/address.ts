import type { Config } from '../config/schema.ts'

/** The address under which callers reach this process, as far as it can be known here; without a trailing slash. */
export const addressOf = ({ public_url, tls, host }: Config, port: number): string => {
  if (public_url !== undefined) return public_url.replace(/\/$/, '')
  // An address to listen on that stands for every interface is none to call.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${tls ? 'https' : 'http'}://${reachable.includes(':') ? `[${reachable.replace(/^\[|\]$/g, '')}]` : reachable}:${port}`
}
