// A small process to be killed: it owns an embedded PostgreSQL and writes numbers, telling each one on stdout as soon
// as its COMMIT is acknowledged.
import pg from 'pg'
import { clientConfig, openDatabase } from '../../src/kernel/db.ts'
import { startEmbedded } from '../../src/kernel/embedded.ts'
import { migrate } from '../../src/kernel/migrate.ts'

const [dataDirectory = '', packageDirectory] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const complain = (fields: object, message: string) =>
  void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`)
const log = { info: () => {}, warn: complain, error: complain }

try {
  const embedded = await startEmbedded({ dataDirectory, log, ...(packageDirectory && { packageDirectory }) })
  process.once('SIGTERM', () => void embedded.stop().then(() => process.exit(0)))
  await migrate({ connection: embedded.connection, log })
  const database = openDatabase({ connection: embedded.connection, log, poolSize: 2 })
  await database.assertRuntimeRole()
  const owner = new pg.Client(clientConfig(embedded.connection))
  await owner.connect()
  await owner.query('CREATE TABLE IF NOT EXISTS headgate.numbers (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)')
  await owner.end()
  say({ ready: true, pid: embedded.pid() })
  for (;;) {
    const written = await database
      .transaction('system', ({ query }) =>
        query<{ n: bigint }>('INSERT INTO headgate.numbers DEFAULT VALUES RETURNING n'),
      )
      .catch(() => undefined)
    if (written) say({ acknowledged: String(written.rows[0]?.n) })
    else await new Promise((resolve) => setTimeout(resolve, 50))
  }
} catch (cause) {
  say({ refused: (cause as Error).name, message: (cause as Error).message })
  process.exit(3)
}
