import type { Log } from '../../kernel/log.ts'
import type { IdentityStore } from './identity.store.ts'
import type { KeyDirectory } from './key-directory.ts'
import type { Pepper } from './key-secret.ts'

interface RenewingOptions {
  readonly store: IdentityStore
  readonly directory: Pick<KeyDirectory, 'takeRenewals'>
  readonly pepperOf: (generation: number) => Pepper
  readonly log: Log
}

/** Writes down the hashes under the newest pepper of keys that were used; never rejects. What fails is tried at the next use. */
export const createRenewing =
  ({ store, directory, pepperOf, log }: RenewingOptions) =>
  async (): Promise<void> => {
    const taken = directory.takeRenewals()
    if (taken === null) return
    const { pepperId, renewals, settle } = taken
    try {
      const isDone = await store.write(async (transaction) => {
        await store.statements.holdPeppers(transaction)
        const [newest] = await store.statements.readPeppers(transaction)
        if (newest === undefined || pepperOf(newest.generation).id !== pepperId) return false
        await store.statements.renewHashes(transaction, renewals, pepperId)
        return true
      })
      settle(isDone)
    } catch (error) {
      settle(false)
      log.debug({ component: 'identity', error: error as Error }, 'Keys could not be hashed under the newest pepper')
    }
  }
