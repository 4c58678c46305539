import type { Settings } from '../../config/config.ts'
import { type DatabaseConnection, openDatabase } from '../../kernel/db.ts'
import { silentLog } from '../../kernel/log.ts'
import { registerOn } from '../key-register-store.ts'
import { type Finding, reasonOf } from './finding.ts'

/** Whether a key is due, by the register of the running store; nothing is noted in it. */
export const checkKeys = async (settings: Settings, connection: DatabaseConnection): Promise<Finding[]> => {
  const check = 'keys'
  const page = 'guides/keys'
  const database = openDatabase({ connection, log: silentLog, poolSize: 1, applicationName: 'headgate-doctor' })
  try {
    const { config, secrets } = settings
    const { overdue, soon, kinds } = await registerOn(
      { settings, config, secrets, database },
      ({ summarise }) => summarise(true),
      true,
    )
    if (overdue + soon === 0) return [{ check, state: 'ok', message: 'No key is due.' }]
    const named = kinds.flatMap((kind) => (kind.overdue + kind.soon === 0 ? [] : [kind.kind])).join(', ')
    return [
      {
        check,
        state: 'warning',
        message: `${overdue} keys should have been replaced, ${soon} end or are due soon: ${named}.`,
        fix: 'headgate keys report names them, and the runbook says how each is replaced.',
        page,
      },
    ]
  } catch (thrown) {
    return [{ check, state: 'skipped', message: `The register could not be read: ${reasonOf(thrown)}.`, page }]
  } finally {
    await database.close()
  }
}
