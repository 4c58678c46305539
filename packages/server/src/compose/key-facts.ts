import { X509Certificate } from 'node:crypto'
import type { Secrets } from '../config/secrets.ts'

/** Keys that are derived from the root key, each by a label of its own: id, and what it is for. */
export const derivedKeys: readonly (readonly [id: string, label: string])[] = [
  ['asset-links', 'signs addresses of assets'],
  ['backups', 'signs backups and reports of drills'],
  ['cache', 'names and seals cached answers'],
  ['device-tokens', 'signs tokens of devices'],
  ['erasure-receipts', 'signs receipts of erasures'],
  ['export-links', 'signs links to archives of people'],
  ['idempotency', 'names kept answers'],
  ['operator-sessions', 'hashes sessions of operators'],
  ['streams', 'seals streams in Redis'],
]

/** When the first certificate of a PEM text ends, in milliseconds; null where it cannot be read. */
export const endOf = (text: string): number | null => {
  try {
    return Date.parse(new X509Certificate(text).validTo)
  } catch {
    return null
  }
}

/** Secrets of the configuration beside the root, the admin key and the keys of providers, by their options. */
export const configuredSecrets = (secrets: Secrets): { readonly label: string; readonly secret: string }[] => {
  const named: (readonly [string, { reveal(): string } | undefined])[] = [
    ['database_url', secrets.database_url],
    ['redis_url', secrets.redis_url],
    ['assets.s3.secret_access_key', secrets.assets_s3?.secret_access_key],
    ['audit.s3.secret_access_key', secrets.audit_s3?.secret_access_key],
    ['backups.copy.s3.secret_access_key', secrets.backups_s3?.secret_access_key],
    ['assets.cdn.purge_authorization', secrets.assets_cdn],
    ['upstream.proxy_login', secrets.upstream_proxy_login],
    ...Object.entries(secrets.sinks).flatMap(([signal, { headers }]) =>
      Object.entries(headers).map(([name, value]) => [`sinks.${signal}_headers.${name}`, value] as const),
    ),
    ...Object.entries(secrets.receivers).flatMap(([name, { url, signing_key: signing, smtp_url: smtp }]) => [
      [`receivers.${name}.url`, url] as const,
      [`receivers.${name}.signing_key`, signing] as const,
      [`receivers.${name}.smtp_url`, smtp] as const,
    ]),
    ...Object.entries(secrets.providers).flatMap(([name, { headers, proxy_login: login }]) => [
      [`providers.${name}.proxy_login`, login] as const,
      ...Object.entries(headers).map(([header, value]) => [`providers.${name}.headers.${header}`, value] as const),
    ]),
  ]
  return named.flatMap(([label, value]) => (value === undefined ? [] : [{ label, secret: value.reveal() }]))
}
