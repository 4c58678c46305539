import type { ProviderView } from '@headgate/contract/providers.ts'
import type { ProviderRow } from './providers.store.ts'
import type { KeyStanding } from './key-ring.ts'
import type { ProviderOptions } from './provider-options.ts'

/** How a key stands in the process that answers. */
export const presentKey = ({ state, until }: KeyStanding, last4: string | null): ProviderView['keys'][number] => ({
  last4,
  state,
  until: until === null ? null : new Date(until).toISOString(),
})

/** A stored provider as operators see it. */
export const presentStored = (
  row: ProviderRow,
  state: ProviderView['state'],
  keys: ProviderView['keys'],
): ProviderView => ({
  object: 'provider',
  name: row.name,
  kind: row.kind,
  base_url: row.base_url,
  api_version: row.api_version,
  source: 'operator',
  state,
  api_key: row.api_key && { last4: row.api_key_hint },
  keys,
  headers: [...row.header_names],
  stream_usage: row.stream_usage,
  ...(row.settings as Pick<ProviderView, 'voices' | 'templates' | 'models'>),
  fetch_images: row.settings.fetch_images === true,
  created_at: row.created_at.toISOString(),
  changed_at: row.changed_at.toISOString(),
})

/** A provider of the configuration; nothing of its key is shown, for the configuration can be looked at. */
export const presentConfigured = (
  name: string,
  options: ProviderOptions,
  isOff: boolean,
  standings: readonly KeyStanding[],
): ProviderView => ({
  object: 'provider',
  name,
  kind: options.kind,
  base_url: options.baseUrl ?? null,
  api_version: options.apiVersion ?? null,
  source: 'configuration',
  state: isOff ? 'disabled' : 'active',
  api_key: options.apiKey === undefined ? null : { last4: null },
  keys: standings.map((standing) => presentKey(standing, null)),
  headers: Object.keys(options.headers ?? {}).sort(),
  stream_usage: options.streamUsage ?? true,
  fetch_images: options.fetchImages === true,
  created_at: null,
  changed_at: null,
})

/** What the audit keeps of a provider. */
export const auditedProvider = (row: ProviderRow): object => ({
  kind: row.kind,
  base_url: row.base_url,
  api_version: row.api_version,
  stream_usage: row.stream_usage,
  api_key: row.api_key === null ? null : `…${row.api_key_hint ?? ''}`,
  headers: row.header_names,
  // Templates are long; which of the settings a change gave is told by its entry.
  settings: Object.keys(row.settings).sort(),
})
