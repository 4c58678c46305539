import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { AdminGuard } from './admin-key.ts'
import type { IdentityStore } from './identity.store.ts'
import type { KeyDirectory } from './key-directory.ts'
import type { PepperRow } from './peppers.store.ts'

/** Most changed keys taken over in one look. */
const BATCH = 500

export interface SynchroniserOptions {
  readonly store: IdentityStore
  readonly directory: KeyDirectory
  readonly guard: AdminGuard
  /** Takes over the peppers that stand. */
  readonly takePeppers: (rows: readonly PepperRow[]) => void
  readonly clock: Clock
  readonly log: Log
}

/** Keeps this replica's memory equal to the database, by asking for everything after the last revision seen. */
export const createSynchroniser = ({ store, directory, guard, takePeppers, clock, log }: SynchroniserOptions) => {
  const { statements } = store
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  let begun = false
  let failing = false
  let adminRevision = -1n

  const look = async (): Promise<void> => {
    for (;;) {
      const askedAt = clock.monotonic()
      const { changed, adminKey, peppers } = await store.read(async (read) => {
        const keys = await statements.changedKeys(read, directory.revision(), BATCH)
        const secrets =
          keys.length === 0
            ? []
            : await statements.secrets(
                read,
                keys.map((key) => key.key_id),
              )
        return {
          changed: keys.map((key) => ({ key, secrets: secrets.filter((secret) => secret.key_id === key.key_id) })),
          ...(await statements.readFollowed(read)),
        }
      })
      takePeppers(peppers)
      directory.apply(changed, changed.at(-1)?.key.revision ?? directory.revision(), askedAt)
      if (adminKey && adminKey.revision !== adminRevision) {
        adminRevision = adminKey.revision
        if (!guard.apply(adminKey) && !guard.isConfigured())
          log.warn(
            { component: 'identity' },
            'The stored admin key was made under another root key: run `headgate admin reset-key`',
          )
      }
      if (changed.length < BATCH) return
    }
  }

  /** Resolves once everything committed before the call is known here; before `begin` there is nothing to refresh. */
  const refresh = (): Promise<void> => {
    if (!begun) return Promise.resolve()
    if (next) return next
    const start = (): Promise<void> => {
      next = null
      running = look().finally(() => {
        running = null
      })
      return running
    }
    if (!running) return start()
    // The look under way may have asked too early: one more follows, shared by all who wait.
    next = running.then(start, start)
    return next
  }

  return {
    refresh,
    /** Whether the last look at PostgreSQL failed. */
    isFailing: (): boolean => failing,
    /** Loads what must be known before the first request. */
    begin: async (): Promise<void> => {
      const askedAt = clock.monotonic()
      const { revision, publishable } = await store.read(async (read) => ({
        // The revision first: a change between the two questions is asked for again.
        revision: await statements.currentRevision(read),
        publishable: await statements.publishableKeys(read),
      }))
      for (const key of publishable) directory.bindOrigins(key)
      directory.apply([], revision, askedAt)
      begun = true
      await refresh()
    },
    /** Never rejects: says once that PostgreSQL is away, and once that it is back. */
    refreshQuietly: async (): Promise<void> => {
      try {
        await refresh()
        if (failing) log.info({ component: 'identity' }, 'Key changes are read again')
        failing = false
      } catch (error) {
        if (!failing)
          log.warn(
            { component: 'identity', error: error as Error },
            'Key changes cannot be read: known keys stay valid for 5 minutes',
          )
        failing = true
      }
    },
  }
}
