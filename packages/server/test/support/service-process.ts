// A PostgreSQL or Redis of its own, for a program that imports nothing of the server: it speaks JSON lines on standard input and
// output. `node service-process.ts redis | postgres` prints {"url", "port", "pid"} when it is ready, then answers each command;
// it takes the service and its data away when its input ends.
import { createInterface } from 'node:readline'
import pg from 'pg'
import { startPostgres, startRedis } from './services.ts'

/** What may be asked. `query` runs a statement of PostgreSQL as its administrator, in `database` where given. */
type Command =
  | { readonly do: 'kill' | 'restart' }
  | { readonly do: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly do: 'query'; readonly sql: string; readonly database?: string }

const [kind] = process.argv.slice(2)
if (kind !== 'redis' && kind !== 'postgres') throw new Error(`there is no service ${kind ?? ''}: redis, postgres`)
const service = kind === 'redis' ? await startRedis() : await startPostgres({ durable: true })

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

const query = async (sql: string, database: string | undefined): Promise<unknown> => {
  const url = new URL(service.url)
  if (database !== undefined) url.pathname = `/${database}`
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

const carryOut = async (command: Command): Promise<unknown> => {
  switch (command.do) {
    case 'kill':
      return service.kill()
    case 'restart':
      await service.restart()
      return service.pid()
    case 'signal':
      return service.signal(command.signal)
    case 'query':
      return query(command.sql, command.database)
  }
}

say({ url: service.url, port: service.port, pid: service.pid() })
for await (const line of createInterface({ input: process.stdin })) {
  // One after the other: who kills and restarts wants it in this order.
  await carryOut(JSON.parse(line) as Command).then(
    (value) => say({ value: value ?? null }),
    (cause: unknown) => say({ error: (cause as Error).message }),
  )
}
await service.stop()
