import type { Clock } from '../../kernel/clock.ts'
import type { Transaction } from '../../kernel/db.ts'
import type { AdminGuard } from './admin-key.ts'
import type { AuditPort } from './identity.ports.ts'
import type { IdentityStore } from './identity.store.ts'
import { refuse } from './key-input.ts'
import { hashKey, mintAdminKey, type Pepper } from './key-secret.ts'
import type { KeysService, Operator } from './keys.service.ts'

/** What a first start made; absent where it was there already. */
export interface FirstStart {
  readonly adminKey?: string
  readonly firstKey?: { readonly id: string; readonly key: string }
}

export interface FirstStartOptions {
  readonly store: IdentityStore
  readonly clock: Clock
  readonly pepper: Pepper
  readonly audit: AuditPort
  readonly guard: AdminGuard
  readonly keys: KeysService
  readonly changed: () => Promise<void>
}

/** Makes the operator's key and the first API key of an empty house. */
export const createFirstStart = (options: FirstStartOptions) => {
  const { store, clock, pepper, audit, guard, keys } = options
  const { statements } = store

  const writeAdminKey = async (transaction: Transaction, revision: bigint, operator: Operator): Promise<string> => {
    const key = mintAdminKey()
    const row = { hash: hashKey(pepper, key), pepper_id: pepper.id, revision }
    await statements.writeAdminKey(transaction, row, new Date(clock.now()))
    await audit.record(transaction, { ...operator, action: 'admin_key.made', resource: 'admin_key' })
    return key
  }

  return {
    ensure: async (): Promise<FirstStart> => {
      const operator = { actor: 'first-start' }
      const missing = await store.read(async (read) => ({
        adminKey: !guard.isConfigured() && (await statements.adminKey(read)) === undefined,
        key: !(await statements.anyKey(read)),
      }))
      if (!missing.adminKey && !missing.key) return {}
      const made = await store.write(async (transaction) => {
        // Two replicas may start at once: the second waits here, then finds everything made.
        const revision = await statements.nextRevision(transaction)
        const needsAdmin = !guard.isConfigured() && (await statements.adminKey(transaction)) === undefined
        const needsKey = !(await statements.anyKey(transaction))
        const adminKey = needsAdmin ? await writeAdminKey(transaction, revision, operator) : undefined
        const first = needsKey ? await keys.createIn(transaction, { name: 'First key' }, operator, revision) : undefined
        return {
          ...(adminKey !== undefined && { adminKey }),
          ...(first && { firstKey: { id: first.row.key_id, key: first.key } }),
        }
      })
      await options.changed()
      return made
    },

    resetAdminKey: async (operator: Operator): Promise<string> => {
      if (guard.isConfigured()) throw refuse('admin_key', 'is fixed by the configuration', 'Change HEADGATE_ADMIN_KEY.')
      const key = await store.write(async (transaction) =>
        writeAdminKey(transaction, await statements.nextRevision(transaction), operator),
      )
      await options.changed()
      return key
    },
  }
}
