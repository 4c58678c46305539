import { rotationSchedule } from '../compose/key-register.ts'
import { createKeySources } from '../compose/key-sources.ts'
import { createAudit } from '../features/audit/audit.ts'
import { createKeyLifecycleService, type KeyLifecycleService } from '../features/key-lifecycle/key-lifecycle.service.ts'
import { createSightings } from '../features/key-lifecycle/sightings.store.ts'
import { createOperators } from '../features/operators/operators.ts'
import { systemClock } from '../kernel/clock.ts'
import { createSeal } from '../kernel/seal.ts'
import type { OpenStore } from './open-store.ts'
import { identityOn, withProviderParts } from './operator.ts'

type Store = Pick<OpenStore, 'settings' | 'config' | 'secrets' | 'database'>

/** Runs the register of keys on a store: the same functions that the admin API calls. `isLooking`: nothing is noted. */
export const registerOn = <T>(
  store: Store,
  work: (service: KeyLifecycleService) => Promise<T>,
  isLooking = false,
): Promise<T> =>
  withProviderParts(store, async (providers, stored) => {
    await stored.refresh()
    const { settings, secrets, database } = store
    const pepper = Buffer.from(secrets.pepper.key.reveal(), 'base64')
    const identity = identityOn(store)
    const operators = createOperators({
      ...{ database, pepper, clock: systemClock },
      audit: createAudit({ database, clock: systemClock }),
      authenticateAdminKey: identity.authenticateAdmin,
    })
    const sources = createKeySources({
      ...{ settings: () => settings, database, clock: systemClock, identity, operators, providers },
      seal: createSeal(secrets.seal_roots),
      sightings: createSightings(database, pepper, systemClock.now, isLooking),
    })
    const schedule = () => rotationSchedule(settings.config)
    return work(createKeyLifecycleService({ sources, schedule, now: systemClock.now }))
  })
