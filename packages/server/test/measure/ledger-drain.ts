// How fast settled calls come from a full journal into PostgreSQL: `node ledger-drain.ts <url of an empty database> <rows>` prints
// {"rows", "seconds", "writing_seconds", "cpu_seconds"} as JSON. The journal, the drain and the store are the product's own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDrain } from '../../src/features/ledger/drain.ts'
import { createEntryStore } from '../../src/features/ledger/entries.store.ts'
import { openJournal } from '../../src/features/ledger/journal.ts'
import { outcomeLine } from '../../src/features/ledger/journal-records.ts'
import { toRow } from '../../src/features/ledger/row.ts'
import { sampleIntent, sampleSettlement } from '../../src/features/ledger/test/samples.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { openDatabase } from '../../src/kernel/db.ts'
import { noFaults } from '../../src/kernel/fault-points.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { migrate } from '../../src/kernel/migrate.ts'

/** Calls of so many keys and users, as a busy hour has them. */
const KEYS = 50
const USERS = 200
const QUEUE_LIMIT = 50_000

const [url = '', count = '100000'] = process.argv.slice(2)
const rows = Number(count)
await migrate({ connection: { url }, log: silentLog })
const directory = await mkdtemp(join(tmpdir(), 'headgate-drain-'))
const database = openDatabase({ connection: { url }, log: silentLog })
const faultPoints = noFaults
const journal = openJournal({ directory, clock: systemClock, faultPoints, log: silentLog })
const from = { segment: journal.first, offset: 0 }
journal.keepFrom(from.segment)
for (let index = 0; index < rows; index++) {
  const intent = sampleIntent({
    at: Date.now(),
    keyId: `key-${index % KEYS}`,
    user: `user-${index % USERS}`,
  })
  journal.append(outcomeLine(toRow(intent, [], sampleSettlement())))
  if (index % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
}
await journal.sync()
let written = 0
let writing = 0
const store = createEntryStore(database, faultPoints)
await store.ensurePartitions()
const drain = createDrain({
  store: {
    ...store,
    write: async (batch) => {
      const begun = performance.now()
      const fresh = await store.write(batch)
      writing += performance.now() - begun
      written += fresh
      return fresh
    },
  },
  journal,
  clock: systemClock,
  log: silentLog,
  queueLimit: QUEUE_LIMIT,
  onDrained: () => {},
})
// The timers of the house keep no process alive.
const alive = setInterval(() => {}, 1_000)
const cpuBefore = process.cpuUsage()
const begun = performance.now()
await drain.catchUp(from)
const seconds = (performance.now() - begun) / 1000
const { user, system } = process.cpuUsage(cpuBefore)
clearInterval(alive)
drain.stop()
await journal.close()
await database.close()
await rm(directory, { recursive: true, force: true })
if (written !== rows) throw new Error(`${written} rows of ${rows} were written`)
process.stdout.write(
  `${JSON.stringify({ rows, seconds, writing_seconds: writing / 1000, cpu_seconds: (user + system) / 1e6 })}\n`,
)
