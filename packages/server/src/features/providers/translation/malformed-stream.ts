import { ProviderFault } from '../provider.ts'

/** An answer that is not what the protocol promises. */
export const malformedStream = (detail: string): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'never', detail })
