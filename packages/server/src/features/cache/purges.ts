import type { PurgeCache } from '@headgate/contract/cache.ts'
import type { AdminInput } from '../../kernel/route.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { PurgePorts, Selection } from './cache.ports.ts'
import { createPurgeStore } from './purges.store.ts'

/** Forgets answers, and tells the processes that keep theirs in memory. */
export const createPurges = (
  { store, database, clock, log, record }: PurgePorts,
  subjectOf: (user: string) => string,
) => {
  const written = createPurgeStore(database)
  let last = 0n
  const follower = createFollower({
    clock,
    log,
    component: 'cache',
    what: 'what is forgotten',
    look: async () => {
      for (const { id, ...selection } of await written.after(last)) {
        await store.purge(selection)
        last = id
      }
    },
  })
  const hasFollowers = store.reach === 'process'
  return {
    /** Forgets at once here and in what replicas share, elsewhere within 5 seconds. Tells how many answers, as far as they stood here. */
    purge: async (
      { project, key_id, user }: PurgeCache,
      { actor, requestId }: Pick<AdminInput, 'actor' | 'requestId'>,
    ): Promise<number> => {
      const selection: Selection = {
        project: project ?? null,
        keyId: key_id ?? null,
        subject: user === undefined ? null : subjectOf(user),
      }
      await database.transaction('system', async (transaction) => {
        if (hasFollowers) await written.add(transaction, selection)
        await record(transaction, {
          actor,
          action: 'cache.purged',
          resource: 'cache',
          after: { project: selection.project, key_id: selection.keyId, subject: selection.subject },
          requestId,
        })
      })
      return store.purge(selection)
    },
    start: async () => {
      if (!hasFollowers) return
      last = await written.newest()
      await follower.start()
    },
    stop: follower.stop,
  }
}
