import type { Encryption } from '@headgate/contract/encryption.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { type EncryptionKeyState, EncryptionKeyInUse, type SealRotation } from '../../kernel/seal-rotation.ts'

/** Who changes something, for the audit. */
export interface Actor {
  readonly actor: string
  readonly requestId?: string
}

export interface EncryptionPorts {
  readonly database: Database
  readonly seal: SealRotation
  readonly record: (
    transaction: Transaction,
    entry: Actor & { readonly action: string; readonly resource: string; readonly after: object },
  ) => Promise<void>
}

const MOST_SHOWN = 100
const nameOf = (step: object): string => ('destroyed' in step ? 'encryption_key.destroyed' : 'encryption_key.created')

const presented = (root: string, states: readonly EncryptionKeyState[]): Encryption => {
  const newest = states.at(-1)
  const all = states.reduce((sum, { dataKeys }) => sum + dataKeys, 0)
  const remaining = all - (newest?.dataKeys ?? 0)
  return {
    object: 'encryption',
    root,
    rotation: {
      state: remaining > 0 ? 'rewrapping' : 'idle',
      version: newest?.version ?? null,
      data_keys: all,
      rewrapped: all - remaining,
      remaining,
    },
    keys: states
      .slice(-MOST_SHOWN)
      .map((key) => ({
        object: 'encryption_key' as const,
        version: key.version,
        root: key.rootId,
        state:
          key === newest
            ? ('active' as const)
            : key.destroyedAt === null
              ? ('deactivated' as const)
              : ('destroyed' as const),
        created_at: key.createdAt.toISOString(),
        destroyed_at: key.destroyedAt?.toISOString() ?? null,
        data_keys: key.dataKeys,
        opens: key.opens,
      }))
      .reverse(),
  }
}

/** What operators see of the encryption keys, and do to them. */
export const createEncryptionService = ({ database, seal, record }: EncryptionPorts) => {
  const recordBy = (by: Actor) => (transaction: Transaction, step: object) =>
    record(transaction, { ...by, action: nameOf(step), resource: 'encryption_key', after: step })
  const show = async (): Promise<Encryption> => presented(seal.rootId, await database.read('system', seal.state))

  return {
    show,
    /** Makes the next version; data keys are rewrapped afterwards. @throws AppError `encryption_root_unavailable` */
    rotate: async (by: Actor): Promise<Encryption> => {
      await seal.begin(database, recordBy(by))
      return show()
    },
    /** Rewraps what is left; `told` after each batch; may throw to end it. `isLeft`: some were in use, or another process is at it. */
    rewrap: async (told: () => void = () => {}): Promise<{ readonly rewrapped: number; readonly isLeft: boolean }> => {
      let rewrapped = 0
      for (;;) {
        const done = await seal.step(database)
        if (done === null || done === 0) return { rewrapped, isLeft: done === null }
        rewrapped += done
        told()
      }
    },
    /** @throws AppError `resource_not_found`, `encryption_key_in_use` */
    destroy: async (version: number, by: Actor): Promise<Encryption> => {
      const known = (await database.read('system', seal.state)).some((key) => key.version === version)
      if (!known) throw new AppError('resource_not_found', { detail: `There is no version ${version}.` })
      try {
        await seal.destroy(database, version, recordBy(by))
      } catch (cause) {
        if (!(cause instanceof EncryptionKeyInUse)) throw cause
        throw new AppError('encryption_key_in_use', {
          detail: cause.message,
          params: { version, data_keys: cause.dataKeys },
          cause,
        })
      }
      return show()
    },
  }
}
export type EncryptionService = ReturnType<typeof createEncryptionService>
