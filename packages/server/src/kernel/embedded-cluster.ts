import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { PostgresAccount } from './embedded-account.ts'
import { EmbeddedUnavailable, platformPackage, type PostgresBinaries } from './embedded-binaries.ts'

const collect = (child: ChildProcess): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)))
    child.on('error', (cause) => resolve({ code: null, output: cause.message }))
    child.on('close', (code) => resolve({ code, output }))
  })

const syncFolder = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  await handle.sync()
  await handle.close()
}

export interface ClusterOptions {
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount
  /** The cluster's folder; its parent must exist. */
  readonly directory: string
  readonly user: string
  /** A file with the password of `user`: set where the way in is TCP. Without it the socket's folder is the guard. */
  readonly passwordFile?: string
  /** False only for throw-away clusters of tests. */
  readonly durable?: boolean
}

/** Of initdb's chatter only what went wrong, if it says so. */
const complaint = (output: string): string => {
  const lines = output.trim().split('\n')
  const errors = lines.filter((line) => /error|fatal|hint|detail/i.test(line))
  return (errors.length > 0 ? errors : lines.slice(-10)).join('; ')
}

/** What stands in a cluster folder: nothing, a whole cluster, or something that must not be touched. */
const inspectCluster = async (directory: string, major: string): Promise<'absent' | 'ready'> => {
  const entries = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw cause
  })
  if (entries === undefined) return 'absent'
  if (entries.length === 0) {
    await rmdir(directory)
    return 'absent'
  }
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(() => '')
  const control = await readFile(join(directory, 'global', 'pg_control')).catch(() => Buffer.alloc(0))
  if (version === '' || control.length === 0) {
    throw new EmbeddedUnavailable(
      `${directory} is not a complete PostgreSQL database (PG_VERSION or global/pg_control is missing). ` +
        'Headgate never makes such a folder. Restore it from a backup, or move it away to start with an empty database.',
    )
  }
  if (version.trim() !== major) {
    throw new EmbeddedUnavailable(
      `${directory} was made by PostgreSQL ${version.trim()}; this Headgate brings PostgreSQL ${major}. A new major version ` +
        `is entered by dump and load: fetch the old programs (npm pack ${platformPackage()}@${version.trim()}, ` +
        'unpacked) and run: headgate upgrade-store --old-package <folder>',
    )
  }
  return 'ready'
}

/**
 * Makes sure that a whole cluster stands in the folder. It is made beside and renamed into place, so a killed
 * first start leaves either nothing or everything.
 * @throws {EmbeddedUnavailable} when the folder holds something else, or another major version.
 */
export const ensureCluster = async (options: ClusterOptions): Promise<'made' | 'found'> => {
  const { binaries, account, directory, durable = true } = options
  const parent = dirname(directory)
  const draftPrefix = `${basename(directory)}.new-`
  for (const entry of await readdir(parent)) {
    if (entry.startsWith(draftPrefix)) await rm(join(parent, entry), { recursive: true, force: true })
  }
  if ((await inspectCluster(directory, binaries.major)) === 'ready') return 'found'
  const draft = join(parent, `${draftPrefix}${process.pid}`)
  await mkdir(draft, { mode: 0o700 })
  await account.own(draft)
  const secret = options.passwordFile
    ? [`--pwfile=${options.passwordFile}`, '--auth=scram-sha-256']
    : ['--auth-local=trust', '--auth-host=reject']
  const args = ['-D', draft, '-U', options.user, '-E', 'UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  args.push('--locale=C', '--data-checksums', ...secret, ...(durable ? [] : ['--no-sync']))
  const child = account.spawn(binaries.initdb, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: parent })
  const { code, output } = await collect(child)
  if (code !== 0) {
    await rm(draft, { recursive: true, force: true })
    const reach =
      account.uid === undefined ? '' : ' That user must be able to reach the data folder and the installed packages.'
    throw new EmbeddedUnavailable(`initdb failed, run under ${account.description}: ${complaint(output)}.${reach}`)
  }
  await rename(draft, directory)
  if (durable) await syncFolder(parent)
  return 'made'
}

/** One running PostgreSQL. */
export interface PostgresProcess {
  readonly pid: number
  readonly isOver: () => boolean
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

/**
 * Starts PostgreSQL on a cluster and waits until it takes connections; crash recovery happens here.
 * @throws {EmbeddedUnavailable} when it ends before, with its last words, or is not ready in time.
 */
export const launchPostgres = async (options: {
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount
  readonly directory: string
  readonly settings: Readonly<Record<string, string>>
  readonly onLine: (line: string) => void
  readonly startTimeoutMs: number
}): Promise<PostgresProcess> => {
  const args = ['-D', options.directory]
  for (const [name, value] of Object.entries(options.settings)) args.push('-c', `${name}=${value}`)
  await chmod(options.directory, 0o700)
  const child = options.account.spawn(options.binaries.postgres, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const lastLines: string[] = []
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastLines.push(line)
      if (lastLines.length > 20) lastLines.shift()
      options.onLine(line)
    })
  }
  let over = false
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('error', (cause) => {
      lastLines.push(cause.message)
      over = true
      resolve({ code: null, signal: null })
    })
    // 'exit', not 'close': backends that outlive a killed postmaster for a moment hold the pipe open.
    child.on('exit', (code, signal) => {
      over = true
      resolve({ code, signal })
    })
  })
  const deadline = performance.now() + options.startTimeoutMs
  for (;;) {
    if (over) throw new EmbeddedUnavailable(`PostgreSQL did not start: ${lastLines.join('\n') || 'no output'}`)
    const file = await readFile(join(options.directory, 'postmaster.pid'), 'utf8').catch(() => '')
    const lines = file.split('\n')
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready')
      return { pid: child.pid as number, isOver: () => over, ended }
    if (performance.now() > deadline) {
      child.kill('SIGQUIT')
      throw new EmbeddedUnavailable(
        `PostgreSQL was not ready after ${options.startTimeoutMs} ms: ${lastLines.join('\n')}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
