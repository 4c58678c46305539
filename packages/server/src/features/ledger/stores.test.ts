import { afterAll, beforeAll } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget } from './budgets.store.ts'
import { createEntryStore } from './entries.store.ts'
import { createLeaseStore } from './leases.store.ts'
import { describeLedgerStores } from './stores.conformance.ts'

let home: TestDatabase
let database: Database

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 2 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})

describeLedgerStores('PostgreSQL', () => ({
  leasesOf: (replica, epoch) => createLeaseStore(database, replica, epoch, noFaults),
  entries: createEntryStore(database, noFaults),
  putBudget: (id, limit) =>
    database.transaction('system', (transaction) =>
      putBudget(transaction, { id, projectId: 'default', limit, window: 'total' }),
    ),
  standing: (budgetId) =>
    database.read('system', async ({ query }) => {
      const { rows } = await query<{ spent: bigint; leased: bigint }>(
        'SELECT spent_nano AS spent, leased_nano AS leased FROM headgate.budget_windows WHERE budget_id = $1',
        [budgetId],
      )
      return rows[0] ?? { spent: 0n, leased: 0n }
    }),
  silence: (replica, seconds) =>
    database.transaction('system', async ({ execute }) => {
      await execute(
        'UPDATE headgate.leases SET heartbeat_at = now() - make_interval(secs => $2) WHERE replica_id = $1',
        [replica, seconds],
      )
    }),
}))
