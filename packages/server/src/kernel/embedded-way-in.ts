import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresAccount } from './embedded-account.ts'

/** How the embedded PostgreSQL is reached, and the settings that make it listen there alone. */
export interface WayIn {
  readonly host: string
  readonly port: number
  readonly password?: string
  readonly passwordFile?: string
  readonly settings: Readonly<Record<string, string>>
}

const PORT = 5432
// sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero included.
const LONGEST_PATH = process.platform === 'darwin' ? 103 : 107
const fits = (directory: string) => Buffer.byteLength(join(directory, `.s.PGSQL.${PORT}`)) <= LONGEST_PATH

const isPrivateFolder = async (path: string, owner: number | undefined): Promise<boolean> => {
  const state = await lstat(path).catch(() => undefined)
  return state?.isDirectory() === true && (state.mode & 0o077) === 0 && (owner === undefined || state.uid === owner)
}

const privateFolder = async (path: string, account: PostgresAccount): Promise<string> => {
  await mkdir(path, { mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause
  })
  await account.own(path)
  if (await isPrivateFolder(path, undefined)) return path
  await chmod(path, 0o700)
  return path
}

/** The socket's folder: inside the data folder, or a short private one noted there when the path is too long. */
const socketFolder = async (dataDirectory: string, account: PostgresAccount): Promise<string> => {
  const inside = join(dataDirectory, 'run')
  if (fits(inside)) return privateFolder(inside, account)
  const note = join(dataDirectory, 'socket-folder')
  const noted = (await readFile(note, 'utf8').catch(() => '')).trim()
  if (noted !== '' && fits(noted) && (await isPrivateFolder(noted, account.uid ?? process.getuid?.()))) return noted
  const base = fits(join(tmpdir(), 'headgate-XXXXXX')) ? tmpdir() : '/tmp'
  const made = await mkdtemp(join(await realpath(base), 'headgate-'))
  await account.own(made)
  await writeFile(note, made, { mode: 0o600 })
  return made
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** Windows: libpq's sockets are not what pg can open there, so loopback with a password only this folder knows. */
const loopback = async (dataDirectory: string): Promise<WayIn> => {
  const passwordFile = join(dataDirectory, 'postgres-password')
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause
    },
  )
  const port = await freePort()
  const password = await readFile(passwordFile, 'utf8')
  return {
    host: '127.0.0.1',
    port,
    password,
    passwordFile,
    settings: { listen_addresses: '127.0.0.1', port: String(port) },
  }
}

/** Prepares the one way in: a Unix socket in a folder only the owner may enter, no TCP port. */
export const prepareWayIn = async (dataDirectory: string, account: PostgresAccount): Promise<WayIn> => {
  if (process.platform === 'win32') return loopback(dataDirectory)
  const host = await socketFolder(dataDirectory, account)
  return {
    host,
    port: PORT,
    settings: {
      listen_addresses: '',
      port: String(PORT),
      unix_socket_directories: host,
      unix_socket_permissions: '0700',
    },
  }
}
