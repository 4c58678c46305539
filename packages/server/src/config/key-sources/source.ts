import type { SourceSetting } from '../secret-sources/source.ts'
import type { keyServices } from '../encryption-schema.ts'

export type KeyService = (typeof keyServices)[number]

/** What a key service is asked to do: `context` must be the same for both. Texts and bytes are as the service takes them. */
export interface KeySource {
  /** @throws SecretProblem */
  encrypt(plain: Buffer, context: string): Promise<Buffer>
  /** @throws SealBroken where the service says that it is not what it encrypted; SecretProblem */
  decrypt(cipher: Buffer, context: string): Promise<Buffer>
}

/** Opens a key of a service by its name. */
export type OpenKeySource = (key: string, setting: SourceSetting) => KeySource
