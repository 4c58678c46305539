import type { ProviderView } from '@headgate/contract/providers.ts'
import type { ProviderRow } from './providers.store.ts'
import type { ProviderOptions } from './registry.ts'

/** A stored provider as operators see it. */
export const presentStored = (row: ProviderRow, state: ProviderView['state']): ProviderView => ({
  object: 'provider',
  name: row.name,
  kind: row.kind,
  base_url: row.base_url,
  source: 'operator',
  state,
  api_key: row.api_key && { last4: row.api_key_hint },
  headers: [...row.header_names],
  stream_usage: row.stream_usage,
  created_at: row.created_at.toISOString(),
  changed_at: row.changed_at.toISOString(),
})

/** A provider of the configuration; nothing of its key is shown, for the configuration can be looked at. */
export const presentConfigured = (name: string, options: ProviderOptions): ProviderView => ({
  object: 'provider',
  name,
  kind: options.kind,
  base_url: options.baseUrl ?? null,
  source: 'configuration',
  state: 'active',
  api_key: options.apiKey === undefined ? null : { last4: null },
  headers: Object.keys(options.headers ?? {}).sort(),
  stream_usage: options.streamUsage ?? true,
  created_at: null,
  changed_at: null,
})

/** What the audit keeps of a provider. */
export const auditedProvider = (row: ProviderRow): object => ({
  kind: row.kind,
  base_url: row.base_url,
  stream_usage: row.stream_usage,
  api_key: row.api_key === null ? null : `…${row.api_key_hint ?? ''}`,
  headers: row.header_names,
})
