import { type Binding, decrypt, deriveRoot, encrypt } from './seal-cipher.ts'

/** What wraps encryption keys: a key of our own, or one that never leaves a key service. */
export interface SealRoot {
  /** Says which root an encryption key needs, and nothing about the root. */
  readonly id: string
  /** Wraps a key of 256 bits, bound to its place. @throws SealRootAway */
  wrap(binding: Binding, key: Buffer): Promise<Buffer>
  /** @throws SealBroken where it was changed, or belongs elsewhere; SealRootAway */
  unwrap(binding: Binding, wrapped: Buffer): Promise<Buffer>
}

/** The root that wraps what is new, and those that may still open what is old. */
export interface SealRoots {
  readonly current: SealRoot
  readonly former: readonly SealRoot[]
}

/** A key service did not answer, or refused; says what it said, and no key. */
export class SealRootAway extends Error {
  override readonly name = 'SealRootAway'
}

/** The root that a root key is. */
export const localRoot = (rootKey: { reveal(): string }): SealRoot => {
  const { id, key } = deriveRoot(rootKey.reveal())
  return {
    id,
    wrap: async (binding, plain) => encrypt(key, binding, plain),
    unwrap: async (binding, wrapped) => decrypt(key, binding, wrapped),
  }
}

/** A root key alone. */
export const localRoots = (rootKey: { reveal(): string }): SealRoots => ({ current: localRoot(rootKey), former: [] })
