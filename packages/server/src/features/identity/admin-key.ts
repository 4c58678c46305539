import { AppError } from '../../kernel/errors.ts'
import type { AdminKeyRow } from './identity.store.ts'
import { hashKey, type Pepper, parseKey, sameHash } from './key-secret.ts'

/** A value that prints as `***`. */
export interface Revealable {
  reveal(): string
}

/** Longest operator key that is looked at. */
const MOST_CHARACTERS = 1_024

/** Knows the operator's key: the one configured at the moment, else the stored hash. */
export const createAdminGuard = (pepper: Pepper, configured: () => Revealable | undefined) => {
  let known: { readonly key: Revealable; readonly hash: Buffer } | undefined
  let stored: Buffer | null = null
  const fixed = (): Buffer | undefined => {
    const key = configured()
    if (key !== known?.key) known = key && { key, hash: hashKey(pepper, key.reveal()) }
    return known?.hash
  }
  return {
    isConfigured: () => fixed() !== undefined,
    /** Takes over the stored key. False when it was made under another root key and cannot be verified. */
    apply: (row: AdminKeyRow): boolean => {
      stored = row.pepper_id === pepper.id ? row.hash : null
      return stored !== null
    },
    /** @throws AppError `api_key_missing`, `admin_key_required`, `invalid_api_key`. */
    authenticateAdmin: (credential: string | null): string => {
      if (credential === null) throw new AppError('api_key_missing', { detail: 'This route takes the admin key.' })
      if (parseKey(credential) !== null) throw new AppError('admin_key_required')
      const expected = fixed() ?? stored
      const proof = hashKey(pepper, credential.slice(0, MOST_CHARACTERS))
      if (expected === null || credential.length > MOST_CHARACTERS || !sameHash(expected, proof))
        throw new AppError('invalid_api_key', { detail: 'This is not the admin key.' })
      return 'admin'
    },
  }
}

export type AdminGuard = ReturnType<typeof createAdminGuard>
