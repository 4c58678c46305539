import { randomBytes } from 'node:crypto'
import { type SealRoot, SealRootAway } from '../../kernel/seal-root.ts'
import { patient } from '../secret-sources/read.ts'
import { SecretProblem, type SourceSetting } from '../secret-sources/source.ts'
import type { Variables } from '../variables.ts'
import { openAwsKey } from './aws-kms.ts'
import { openGoogleKey } from './gcp-kms.ts'
import type { KeyService, OpenKeySource } from './source.ts'
import { openVaultKey } from './vault.ts'

/** Longest wait for one key to be wrapped or opened, new tries included. */
const PATIENCE_MS = 5_000
const KEY_BYTES = 32

const opens: Readonly<Record<KeyService, OpenKeySource>> = {
  vault: openVaultKey,
  'aws-kms': openAwsKey,
  'gcp-kms': openGoogleKey,
}

const away = (cause: unknown): unknown =>
  cause instanceof SecretProblem ? new SealRootAway(cause.message, { cause }) : cause

/** The root that a key of a service is. Its id names both; what it wrapped is opened again before it is trusted. */
export const serviceRoot = (service: KeyService, key: string, variables: Variables): SealRoot => {
  const source = () => {
    const setting: SourceSetting = {
      variables,
      ask: patient(performance.now() + PATIENCE_MS, PATIENCE_MS),
      now: Date.now,
    }
    return opens[service](key, setting)
  }
  const unwrap: SealRoot['unwrap'] = async (binding, wrapped) => {
    try {
      return await source().decrypt(wrapped, JSON.stringify(binding))
    } catch (cause) {
      throw away(cause)
    }
  }
  return {
    id: `${service}:${key}`,
    wrap: async (binding, plain) => {
      try {
        const wrapped = await source().encrypt(plain, JSON.stringify(binding))
        // A key that comes back as another would take everything sealed with it along.
        if (!(await unwrap(binding, wrapped)).equals(plain))
          throw new SealRootAway(`the key service gave another key back than the one that it wrapped`)
        return wrapped
      } catch (cause) {
        throw away(cause)
      }
    },
    unwrap,
  }
}

/** What is wrong with a root: null where it wraps a key and opens it again. */
export const problemOfRoot = async (root: SealRoot): Promise<string | null> => {
  try {
    await root.wrap(['headgate/root-check/1', root.id], randomBytes(KEY_BYTES))
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
