import type { Caller } from '../domain/caller.ts'
import type { Identity } from '../features/identity/identity.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'

/** Who calls where work of a key is done later. @throws AppError `api_key_revoked`, `api_key_expired` where it may not any more. */
export const createKeyCaller =
  (keys: Pick<Identity['keys'], 'get' | 'callerOf'>, clock: Clock) =>
  async (keyId: string): Promise<Caller> => {
    const { state, expires_at: expiresAt } = await keys.get(keyId)
    if (state !== 'active') throw new AppError('api_key_revoked')
    if (expiresAt !== null && Date.parse(String(expiresAt)) <= clock.now()) throw new AppError('api_key_expired')
    return keys.callerOf(keyId)
  }
