import { openStorage, type Storage } from '../compose/storage.ts'
import { loadConfig, type Settings } from '../config/config.ts'
import type { ConfigInput } from '../config/gather.ts'
import { secretTexts } from '../config/secrets.ts'
import { createSecretHider, type SecretHider } from '../kernel/hide-secrets.ts'
import { openWhenFree } from './standby.ts'
import { createLog, type Log, type ProcessLog } from '../kernel/log.ts'

/** What a house is built on, on its way. */
export interface Prepared {
  readonly settings: Settings
  readonly hider: SecretHider
  readonly log: ProcessLog
  /** Rejects with the refusals of the store. */
  readonly storage: Promise<Storage>
}

/** How a process that is one of several comes to its store, and its number. */
export interface Joining {
  readonly worker: number
  readonly openStorage: (settings: Settings, log: Log) => Promise<Storage>
}

/**
 * Reads the configuration and begins to open the store, without waiting for it: PostgreSQL starts while the house is loaded.
 * @throws ConfigFaults.
 */
export const prepare = async (input: ConfigInput, joining?: Joining, known?: Settings): Promise<Prepared> => {
  const settings = known ?? (await loadConfig(input))
  const { config, secrets } = settings
  const hider = createSecretHider()
  hider.add(secretTexts(secrets))
  const log = createLog(config.log.level, undefined, hider.hide, joining?.worker ?? null)
  const open = () => (joining ? joining.openStorage(settings, log) : openStorage(config, secrets, log))
  // Of several processes the first one waits for the folder.
  const storage = config.standby && !joining ? openWhenFree(settings, log, open) : open()
  // Whoever waits for it hears of it.
  storage.catch(() => undefined)
  return { settings, hider, log, storage }
}
