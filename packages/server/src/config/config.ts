import { ConfigFaults } from './faults.ts'
import { type ConfigInput, type Gathered, type Sources, gather } from './gather.ts'
import { rootKeyOf } from './root-key.ts'
import type { Config, LoadedConfig } from './schema.ts'
import { assertSealRoot, sealRootsOf } from './seal-roots.ts'
import { Secret, type Secrets, collectSecrets } from './secrets.ts'
import type { SignerFiles } from './signer-files.ts'
import type { TlsFiles } from './tls-files.ts'

/** A sound configuration, ready for use. */
export type Settings = {
  readonly config: Config
  readonly secrets: Secrets
  /** Where each value came from. */
  readonly sources: Sources
  /** What the files of `tls` hold; absent without `tls`. */
  readonly tls?: TlsFiles
  /** What the files of `provenance.certificate` and `provenance.key` hold; absent without them. */
  readonly signer?: SignerFiles
}

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}

const withoutSecrets = (loaded: LoadedConfig): Config => {
  const {
    admin_key: _admin,
    root_key: _root,
    database_url: _database,
    redis_url: _redis,
    providers,
    sinks: _sinks,
    receivers: _receivers,
    upstream: { proxy_login: _login, ...upstream },
    assets: {
      s3: { access_key_id: _id, secret_access_key: _secret, session_token: _token, ...s3 },
      cdn: { purge_authorization: _authorization, ...cdn },
      ...assets
    },
    audit: {
      s3: { access_key_id: _auditId, secret_access_key: _auditSecret, session_token: _auditToken, ...auditBucket },
      ...audit
    },
    backups: {
      copy: {
        s3: { access_key_id: _copyId, secret_access_key: _copySecret, session_token: _copyToken, ...copyBucket },
        ...copy
      },
      ...backups
    },
    ...config
  } = loaded
  const open: Record<string, unknown> = Object.create(null)
  for (const [
    name,
    { api_key: _key, api_keys: _keys, headers: _headers, proxy_login: _own, ...provider },
  ] of Object.entries(providers))
    open[name] = provider
  return freeze({
    ...config,
    assets: { ...assets, s3, cdn },
    audit: { ...audit, s3: auditBucket },
    backups: { ...backups, copy: { ...copy, s3: copyBucket } },
    upstream,
    providers: open,
  }) as Config
}

/** Parts what was gathered into configuration and secrets. @throws ConfigFaults with everything that is wrong. */
export const settle = async (
  { loaded, leaves, faults, tls, signer, variables }: Gathered,
  rootKeyIn: (dataFolder: string) => Promise<Secret>,
): Promise<Settings> => {
  if (faults.length > 0) throw new ConfigFaults(faults)
  const rootKey = loaded.root_key === undefined ? await rootKeyIn(loaded.data_dir) : new Secret(loaded.root_key)
  return {
    config: withoutSecrets(loaded),
    secrets: collectSecrets(loaded, rootKey, await sealRootsOf(loaded, rootKey, variables)),
    sources: [...leaves.values()],
    ...(tls && { tls }),
    ...(signer && { signer }),
  }
}

/**
 * Reads flags, environment, `.env`, `headgate.yaml`, profile and defaults, strongest first. On the first start outside production and
 * staging it makes `<data_dir>/root.key`.
 * @throws ConfigFaults with everything that is wrong.
 */
export const loadConfig = async (input: ConfigInput = {}): Promise<Settings> => {
  const settings = await settle(await gather(input), rootKeyOf)
  await assertSealRoot(settings.config, settings.secrets.seal_roots.current)
  return settings
}
