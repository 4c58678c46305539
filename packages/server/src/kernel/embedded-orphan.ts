import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { KernelLog } from './db.ts'
import { EmbeddedUnavailable } from './embedded-binaries.ts'

const run = promisify(execFile)

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Linux: whether the process is a PostgreSQL that works in this folder; servers and their backends all do. */
const worksIn = async (pid: number, directory: string): Promise<boolean> => {
  try {
    const [program, folder] = await Promise.all([readlink(`/proc/${pid}/exe`), readlink(`/proc/${pid}/cwd`)])
    // A program replaced on the disk is shown as "postgres (deleted)".
    return basename(program).split(' ')[0] === 'postgres' && folder === directory
  } catch {
    return false
  }
}

/** Whether the process is the PostgreSQL that serves this very folder: pids are reused, above all in containers. */
const serves = async (pid: number, directory: string): Promise<boolean> => {
  if (process.platform === 'linux') return worksIn(pid, directory)
  const query = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`
  const { stdout } = await (process.platform === 'win32'
    ? run('powershell', ['-NoProfile', '-Command', query])
    : run('ps', ['-o', 'command=', '-p', String(pid)])
  ).catch(() => ({ stdout: '' }))
  return stdout.includes('postgres') && stdout.includes(directory)
}

const waitForEnd = async (pid: number, milliseconds: number): Promise<boolean> => {
  const deadline = performance.now() + milliseconds
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return true
}

const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
  }
}

/** Stops a server: fast shutdown, then immediate, then kill. Nothing acknowledged is lost by any of the three. */
export const stopPostgres = async (pid: number, patienceMs = 10_000): Promise<boolean> => {
  send(pid, 'SIGCONT')
  send(pid, 'SIGINT')
  if (await waitForEnd(pid, patienceMs)) return true
  send(pid, 'SIGQUIT')
  if (await waitForEnd(pid, 5_000)) return true
  send(pid, 'SIGKILL')
  return waitForEnd(pid, 5_000)
}

/**
 * Backends of a killed server notice its death only between two steps of their work. They must be gone before a new
 * server opens the files, and before anyone may clear the note by which PostgreSQL would find them.
 */
const endBackends = async (directory: string): Promise<void> => {
  const numbers = (await readdir('/proc')).map(Number).filter((pid) => pid > 1)
  for (const pid of numbers) {
    if (!(await worksIn(pid, directory))) continue
    send(pid, 'SIGKILL')
    await waitForEnd(pid, 5_000)
  }
}

/**
 * Ends what a killed Headgate or a killed server left running on this cluster. Call only while holding the folder's
 * lock: then no living Headgate owns it. It is stopped rather than adopted, so that every server is the child of the
 * Headgate that serves from it.
 * @throws {EmbeddedUnavailable} when it cannot be ended.
 */
export const endOrphan = async (path: string, log: KernelLog): Promise<void> => {
  const directory = await realpath(path).catch(() => path)
  const note = join(directory, 'postmaster.pid')
  const pid = Number((await readFile(note, 'utf8').catch(() => '')).split('\n', 1)[0])
  if (!(pid > 0)) return
  if (isAlive(pid) && (await serves(pid, directory))) {
    log.warn({ pid }, 'Stopping the PostgreSQL that a killed Headgate left running')
    if (await stopPostgres(pid)) return
    throw new EmbeddedUnavailable(
      `The PostgreSQL process ${pid} still serves ${directory} and cannot be stopped. End it and start again.`,
    )
  }
  if (process.platform === 'linux') await endBackends(directory)
  // A note whose process is gone is PostgreSQL's own to judge. It refuses when any process has that number now.
  if (!isAlive(pid)) return
  if (process.platform === 'linux') return rm(note, { force: true })
  throw new EmbeddedUnavailable(
    `${note} names process ${pid}, which is no PostgreSQL of this folder. When no postgres process runs here, remove ` +
      'that file and start again.',
  )
}
