import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { chmod, chown, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { EmbeddedUnavailable } from './embedded-binaries.ts'

const run = promisify(execFile)

/** As whom PostgreSQL runs: it refuses the user root. */
export interface PostgresAccount {
  /** For the log: how the account was chosen. */
  readonly description: string
  /** The system user's number, when it is another one than ours. */
  readonly uid?: number
  /** Starts a program under this account in a session of its own, so that Ctrl-C reaches only Headgate. */
  readonly spawn: (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess
  /** Gives a folder to the account. */
  readonly own: (path: string) => Promise<void>
  /** Lets the account pass through a folder that stays ours. */
  readonly admit: (path: string) => Promise<void>
}

// Nothing of Headgate's own environment, where secrets live, is handed on.
const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const account = (
  description: string,
  prefix: readonly string[],
  ids?: { uid: number; gid: number },
): PostgresAccount => ({
  description,
  ...(ids && { uid: ids.uid }),
  spawn: (program: string, args: readonly string[], options: SpawnOptions) => {
    const [command, ...rest] = [...prefix, program, ...args] as [string, ...string[]]
    return spawn(command, rest, { detached: true, env: environment, windowsHide: true, ...ids, ...options })
  },
  own: async (path: string) => {
    if (ids) await chown(path, ids.uid, ids.gid)
  },
  admit: async (path: string) => {
    if (!ids) return
    await chown(path, 0, ids.gid)
    await chmod(path, 0o710)
  },
})

const readPasswd = async () =>
  (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid = '', gid = '']) => ({ name, uid: Number(uid), gid: Number(gid) }))

/**
 * Chooses the account. Root runs PostgreSQL in a user namespace of its own, which needs no second user and
 * works in a folder only root may enter; else as the system user `postgres`.
 * @throws {EmbeddedUnavailable} when root has neither.
 */
export const chooseAccount = async (): Promise<PostgresAccount> => {
  if (process.getuid?.() !== 0) return account('own user', [])
  const users = await readPasswd()
  // initdb looks the number up, so it must be one that has a name here; 65534 also stands for unmapped owners.
  const named = users.filter((user) => user.uid > 0 && user.uid !== 65534)
  const inner = (named.find((user) => user.uid === 1000) ?? named[0])?.uid ?? 1000
  const prefix = ['unshare', '--user', `--map-user=${inner}`, `--map-group=${inner}`, '--']
  try {
    await run('unshare', [...prefix.slice(1), 'true'], { env: environment })
    return account('user namespace', prefix)
  } catch (cause) {
    const system = users.find((user) => user.name === 'postgres')
    if (system) return account('user postgres', [], { uid: system.uid, gid: system.gid })
    throw new EmbeddedUnavailable(
      'PostgreSQL does not run as root, and here is neither a user namespace (the unshare program) nor a user named ' +
        'postgres. Run Headgate as another user, or set DATABASE_URL to a PostgreSQL server of version 15 or newer.',
      { cause },
    )
  }
}
