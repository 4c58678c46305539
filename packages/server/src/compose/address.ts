import type { Config } from '../config/schema.ts'

/** The address under which this machine reaches the process itself, past whatever stands in front; without a trailing slash. */
export const ownAddressOf = ({ tls, host }: Config, port: number): string => {
  // An address to listen on that stands for every interface is none to call.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${tls ? 'https' : 'http'}://${reachable.includes(':') ? `[${reachable.replace(/^\[|\]$/g, '')}]` : reachable}:${port}`
}

/** The address under which callers reach this process, as far as it can be known here; without a trailing slash. */
export const addressOf = (config: Config, port: number): string =>
  config.public_url === undefined ? ownAddressOf(config, port) : config.public_url.replace(/\/$/, '')
