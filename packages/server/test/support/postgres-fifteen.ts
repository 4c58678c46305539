import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chooseAccount } from '../../src/kernel/embedded-account.ts'
import { launchPostgres, type PostgresProcess } from '../../src/kernel/embedded-cluster.ts'
import { environmentOf, unpackPackages } from './debian-binaries.ts'

const run = promisify(execFile)
const programs = 'usr/lib/postgresql/15/bin'

/** Debian’s PostgreSQL 15 and pgBackRest, unpacked into the cache, below a folder that stays the caller’s. */
export const locateFifteen = async (folder: string) => {
  const needed = [`${programs}/postgres`, 'usr/bin/pgbackrest']
  const files = await unpackPackages(['postgresql-15', 'pgbackrest'], async (root) =>
    needed.every((name) => existsSync(join(root, name))),
  )
  const environment = await environmentOf(files)
  const libraries = environment['LD_LIBRARY_PATH'] ?? ''
  // PostgreSQL calls it too, in an environment of its own.
  const pgbackrest = join(folder, 'pgbackrest')
  const lines = [
    '#!/bin/sh',
    `export LD_LIBRARY_PATH='${libraries}'`,
    `exec '${join(files, 'usr/bin/pgbackrest')}' "$@"`,
  ]
  await writeFile(pgbackrest, `${lines.join('\n')}\n`)
  await chmod(pgbackrest, 0o755)
  const account = await chooseAccount()
  const spawning = {
    ...account,
    spawn: ((program, args, options) =>
      account.spawn(program, args, {
        env: { ...environment, LC_ALL: 'C', TZ: 'UTC' },
        ...options,
      })) as typeof account.spawn,
  }
  const running: PostgresProcess[] = []
  return {
    pgbackrest,
    account,
    /** Makes a cluster whose only user is `headgate`, let in by all. */
    make: async (directory: string, settings: readonly string[]): Promise<void> => {
      const child = spawning.spawn(
        join(files, programs, 'initdb'),
        [
          '-D',
          directory,
          '-U',
          'headgate',
          '-A',
          'trust',
          '-E',
          'UTF8',
          '--locale=C',
          '--no-sync',
          '-L',
          join(files, 'usr/share/postgresql/15'),
        ],
        { stdio: 'ignore' },
      )
      const code = await new Promise((resolve) => child.on('exit', resolve).on('error', resolve))
      if (code !== 0) throw new Error(`initdb of PostgreSQL 15 failed: ${String(code)}`)
      await appendFile(join(directory, 'postgresql.conf'), `${settings.join('\n')}\n`)
    },
    /** Starts a PostgreSQL on a cluster; it ends with `stopAll`. */
    start: async (directory: string, port: number): Promise<void> => {
      const process = await launchPostgres({
        binaries: { postgres: join(files, programs, 'postgres'), initdb: '', major: '15' },
        ...{ account: spawning, directory, onLine: () => {}, startTimeoutMs: 60_000 },
        settings: { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: folder, fsync: 'off' },
      })
      running.push(process)
    },
    stopAll: async (): Promise<void> => {
      for (const process of running.splice(0)) {
        spawnSync('kill', ['-INT', String(process.pid)])
        await process.ended
      }
    },
    /** Runs pgBackRest itself. */
    ask: (...words: string[]) => run(pgbackrest, words),
  }
}
