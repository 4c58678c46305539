import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compose } from '../packages/server/src/compose.ts'
import type { Storage } from '../packages/server/src/compose/storage.ts'
import { loadConfig } from '../packages/server/src/config/config.ts'
import { createLog } from '../packages/server/src/kernel/log.ts'

/** Stands for a storage that nobody asks: describing the routes touches no database; the journal opens its folder. */
const nothing = (part: string): never => {
  throw new Error(`Describing the API must not use ${part}`)
}
const folder = mkdtempSync(join(tmpdir(), 'headgate-describe-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const noStorage: Storage = {
  get database() {
    return new Proxy(
      {},
      { get: (_target, member) => () => nothing(`database.${String(member)}`) },
    ) as Storage['database']
  },
  get connection() {
    return nothing('the connection')
  },
  journalDirectory: join(folder, 'journal'),
  leftJournals: () => [],
  promise: '',
  stop: async () => {},
}

/** The OpenAPI document of the house as it is wired, for a server that others can reach. */
export const apiDocument = async (): Promise<object> => {
  const environment = {
    HEADGATE_HOST: '0.0.0.0',
    HEADGATE_ROOT_KEY: 'the root key of a house that never opens its door',
    HEADGATE_OLLAMA_AUTODETECT: 'false',
  }
  const settings = await loadConfig({ environment, cwd: folder })
  const house = await compose({
    settings,
    read: () => nothing('the configuration again'),
    storage: noStorage,
    log: createLog('fatal'),
  })
  return house.describe()
}
