import { createHash, hkdfSync } from 'node:crypto'
import { inspect } from 'node:util'
import type { SealRoots } from '../kernel/seal-root.ts'
import type { LoadedConfig } from './schema.ts'

/** A value that prints as `***` in text, JSON and inspection; only `reveal()` gives it. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [Symbol.toPrimitive](): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** Key under which API keys are hashed, with the id that is stored beside each hash. Base64 of 32 bytes. */
export type Pepper = { readonly id: string; readonly key: Secret }

/** Everything that must not be printed or stored in the clear, kept apart from `Config`. */
export type Secrets = {
  readonly admin_key?: Secret
  readonly root_key: Secret
  /** What wraps the keys under which columns are sealed. */
  readonly seal_roots: SealRoots
  readonly pepper: Pepper
  readonly database_url?: Secret
  readonly redis_url?: Secret
  /** The key of the bucket of assets; absent where there is none. */
  readonly assets_s3?: BucketKey
  /** `Authorization` for the caches in front of assets. */
  readonly assets_cdn?: Secret
  /** Of the bucket that checkpoints of the audit are written to. */
  readonly audit_s3?: BucketKey
  /** Of the bucket that backups are copied to. */
  readonly backups_s3?: BucketKey
  /** Of `upstream.proxy`: `user:password`. */
  readonly upstream_proxy_login?: Secret
  readonly providers: Readonly<Record<string, ProviderSecrets>>
  readonly sinks: Readonly<Partial<Record<'traces' | 'zipkin' | 'logs', SinkSecrets>>>
  readonly receivers: Readonly<Record<string, ReceiverSecrets>>
}

/** What requests to a bucket are signed with. */
export type BucketKey = {
  readonly access_key_id: Secret
  readonly secret_access_key: Secret
  readonly session_token?: Secret
}

/** A receiver of alerts, whose address is as good as a key. */
export type ReceiverSecrets = Readonly<
  Omit<LoadedConfig['receivers'][string], 'url' | 'signing_key' | 'smtp_url'> & {
    url?: Secret
    signing_key?: Secret
    smtp_url?: Secret
  }
>

/** Where one kind of telemetry is sent, and with which headers. */
export type SinkSecrets = { readonly url: string; readonly headers: Readonly<Record<string, Secret>> }

/** What one provider is called with. */
export type ProviderSecrets = {
  readonly api_key?: Secret
  readonly api_keys: readonly Secret[]
  readonly headers: Readonly<Record<string, Secret>>
  /** Of its own proxy: `user:password`. */
  readonly proxy_login?: Secret
}

/**
 * The pepper of a root key: HKDF-SHA-256 (RFC 5869) with a label of its own, so that it says nothing about the root key. The id is
 * the start of a hash of the pepper. Later generations hash API keys alone; everything else stays with the first.
 */
export const derivePepper = (rootKey: Secret, generation = 1): Pepper => {
  const key = Buffer.from(hkdfSync('sha256', rootKey.reveal(), '', `headgate/api-key-pepper/${generation}`, 32))
  const id = createHash('sha256').update('headgate/pepper-id').update(key).digest('hex').slice(0, 12)
  return Object.freeze({ id, key: new Secret(key.toString('base64')) })
}

const hidden = (headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, Secret>> =>
  Object.freeze(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, new Secret(value)])))

/** Every secret as text, the passwords inside of addresses by themselves: what must stand in no line. */
export const secretTexts = (secrets: Secrets): string[] => {
  const { admin_key, root_key, pepper, database_url, redis_url, providers, sinks, receivers } = secrets
  const mailServers = Object.values(receivers).map(({ smtp_url }) => smtp_url)
  const addresses = [database_url, redis_url, ...mailServers].flatMap((address) => address?.reveal() ?? [])
  const passwords = addresses.flatMap((address) => {
    const { password } = URL.canParse(address) ? new URL(address) : { password: '' }
    return [password, decodeURIComponent(password)]
  })
  const logins = [secrets.upstream_proxy_login, ...Object.values(providers).map(({ proxy_login }) => proxy_login)]
  const ofProxies = logins.flatMap((login) => {
    const text = login?.reveal()
    return text === undefined ? [] : [text, text.slice(text.indexOf(':') + 1), Buffer.from(text).toString('base64')]
  })
  const ofProviders = Object.values(providers).flatMap(({ api_key, api_keys, headers }) => [
    api_key,
    ...api_keys,
    ...Object.values(headers),
  ])
  const ofSinks = Object.values(sinks).flatMap(({ headers }) => Object.values(headers))
  const ofReceivers = Object.values(receivers).flatMap(({ url, signing_key }) => [url, signing_key])
  const ofBuckets = [secrets.assets_s3, secrets.audit_s3, secrets.backups_s3].flatMap((key) => [
    key?.secret_access_key,
    key?.session_token,
  ])
  return [admin_key, root_key, pepper.key, secrets.assets_cdn, ...ofBuckets, ...ofProviders, ...ofSinks, ...ofReceivers]
    .flatMap((secret) => secret?.reveal() ?? [])
    .concat(addresses, passwords, ofProxies)
    .filter((text) => text !== '')
}

/** Takes the secrets out of the loaded values. */
export const collectSecrets = (config: LoadedConfig, rootKey: Secret, sealRoots: SealRoots): Secrets => {
  const secret = <Name extends string>(name: Name, value: string | undefined) =>
    (value === undefined ? {} : { [name]: new Secret(value) }) as { [Key in Name]?: Secret }
  const providers: Record<string, ProviderSecrets> = Object.create(null)
  for (const [name, provider] of Object.entries(config.providers)) {
    providers[name] = Object.freeze({
      ...secret('api_key', provider.api_key),
      api_keys: (provider.api_keys ?? []).map((key) => new Secret(key)),
      headers: hidden(provider.headers),
      ...secret('proxy_login', provider.proxy_login),
    })
  }
  const sinks = (['traces', 'zipkin', 'logs'] as const).flatMap((signal) => {
    const url = config.sinks[`${signal}_url`]
    return url === undefined
      ? []
      : [[signal, Object.freeze({ url, headers: hidden(config.sinks[`${signal}_headers`]) })]]
  })
  const receivers = Object.entries(config.receivers).map(([name, { url, signing_key, smtp_url, ...open }]) => [
    name,
    Object.freeze({
      ...open,
      ...secret('url', url),
      ...secret('signing_key', signing_key),
      ...secret('smtp_url', smtp_url),
    }),
  ])
  const bucketKey = <Name extends 'assets_s3' | 'audit_s3' | 'backups_s3'>(
    name: Name,
    section: LoadedConfig['assets']['s3'],
  ) => {
    const { access_key_id: id, secret_access_key: key, session_token: token } = section
    if (id === undefined || key === undefined) return {}
    const held = {
      access_key_id: new Secret(id),
      secret_access_key: new Secret(key),
      ...secret('session_token', token),
    }
    return { [name]: Object.freeze(held) } as { [Key in Name]?: BucketKey }
  }
  return Object.freeze({
    ...bucketKey('assets_s3', config.assets.s3),
    ...bucketKey('audit_s3', config.audit.s3),
    ...bucketKey('backups_s3', config.backups.copy.s3),
    ...secret('assets_cdn', config.assets.cdn.purge_authorization),
    ...secret('admin_key', config.admin_key),
    ...secret('database_url', config.database_url),
    ...secret('redis_url', config.redis_url),
    ...secret('upstream_proxy_login', config.upstream.proxy_login),
    root_key: rootKey,
    seal_roots: sealRoots,
    pepper: derivePepper(rootKey),
    providers: Object.freeze(providers),
    sinks: Object.freeze(Object.fromEntries(sinks)),
    receivers: Object.freeze(Object.fromEntries(receivers)),
  })
}
