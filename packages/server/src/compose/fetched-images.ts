import packageDescription from '../../package.json' with { type: 'json' }
import type { Config } from '../config/schema.ts'
import { readRange } from '../kernel/outbound-address.ts'
import { createGuardedFetcher, type GuardedSettings } from '../kernel/outbound-guarded.ts'
import { createResolve } from '../kernel/outbound-resolve.ts'

const settingsOf = ({ fetch }: Config): GuardedSettings => ({
  plainHttp: fetch.plain_http,
  ports: new Set(fetch.ports.map(Number)),
  maxBytes: fetch.max_bytes,
  timeoutMs: fetch.timeout_ms,
  allowed: fetch.allowed_addresses.map(readRange),
  resolve: createResolve(fetch.resolvers),
  userAgent: `headgate/${packageDescription.version}`,
})

/** Builds what fetches pictures from addresses that callers name. */
export const fetchedImages = (first: Config) => {
  let config = first
  let settings = settingsOf(first)
  return {
    fetch: createGuardedFetcher(() => settings),
    bounds: () => {
      const { fetch, body } = config
      return fetch.enabled ? { maxImages: fetch.max_images, maxRequestBytes: body.max_bytes } : null
    },
    /** Takes over what a reload changes. */
    reread: (next: Config): void => {
      config = next
      settings = settingsOf(next)
    },
  }
}
