import type { Config } from '../config/schema.ts'
import { createKeyLifecycle, type KeyLifecycle } from '../features/key-lifecycle/key-lifecycle.ts'
import type { RotationSchedule } from '../features/key-lifecycle/key-lifecycle.ports.ts'
import type { Providers } from '../features/providers/providers.ts'
import type { Log } from '../kernel/log.ts'
import type { Crew } from './crew.ts'
import { createKeySources, type KeySourceOptions } from './key-sources.ts'

/** What the configuration says of when keys are due. */
export const rotationSchedule = ({ key_rotation: rotation }: Config): RotationSchedule => ({
  warnDays: rotation.warn_days,
  days: {
    api_key: rotation.api_key_days,
    admin_key: rotation.admin_key_days,
    user_secret: rotation.user_secret_days,
    provider_key: rotation.provider_key_days,
    configured_secret: rotation.configured_secret_days,
    pepper: rotation.pepper_days,
    encryption_key: rotation.encryption_key_days,
    audit_key: rotation.audit_key_days,
    provenance_root: rotation.provenance_root_days,
    root_key: rotation.root_key_days,
  },
})

interface KeyRegisterOptions extends Omit<KeySourceOptions, 'sightings'> {
  readonly log: Log
  readonly pepper: Buffer
  readonly crew: Pick<Crew, 'number'>
  readonly providers: Pick<Providers, 'heldKeys' | 'takeUsedKeys'>
}

/** Builds the register of keys over whoever keeps them. */
export const createKeyRegister = ({ log, pepper, crew, ...options }: KeyRegisterOptions): KeyLifecycle =>
  createKeyLifecycle({
    ...{ log, pepper, database: options.database, clock: options.clock },
    isWatcher: crew.number === 1,
    schedule: () => rotationSchedule(options.settings().config),
    sources: (sightings) => createKeySources({ ...options, sightings }),
    takeUsed: () =>
      options.providers.takeUsedKeys().map(({ provider, secret }) => ({
        kind: 'provider_key',
        label: provider,
        secret,
      })),
  })
