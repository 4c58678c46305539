import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataMapProblems, type PresentColumn } from '../packages/server/src/features/privacy/data-map.ts'
import { exportProblems } from '../packages/server/src/features/privacy/export-plan.ts'
import { dataMap } from '../packages/server/src/features/privacy/map/map.ts'
import { openDatabase } from '../packages/server/src/kernel/db.ts'
import { startEmbedded } from '../packages/server/src/kernel/embedded.ts'
import { migrate } from '../packages/server/src/kernel/migrate.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

/** Columns of all tables; partitions are as their table. */
const COLUMNS = `
  SELECT c.relname AS "table", a.attname AS "column"
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   WHERE c.relnamespace = 'headgate'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY c.relname, a.attnum`

/** The columns that the migrations come to, read from a PostgreSQL of its own. */
const presentColumns = async (): Promise<readonly PresentColumn[]> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'headgate-data-map-'))
  try {
    const postgres = await startEmbedded({ dataDirectory, log })
    try {
      await migrate({ connection: postgres.connection, log })
      const database = openDatabase({ connection: postgres.connection, log })
      const { rows } = await database.read('system', ({ query }) => query<PresentColumn>(COLUMNS))
      await database.close()
      return rows
    } finally {
      await postgres.stop()
    }
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

/** Columns of the database that the data map does not classify, tables of people that exports leave out, and what else is wrong with it. */
export const privacyProblems = async (): Promise<readonly string[]> => [
  ...dataMapProblems(dataMap, await presentColumns()),
  ...exportProblems(dataMap),
]
