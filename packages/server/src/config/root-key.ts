import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigFaults } from './faults.ts'
import { Secret } from './secrets.ts'

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

const refuse = (where: string, problem: string, expected: string): never => {
  throw new ConfigFaults([{ where, option: 'root_key', problem, expected }])
}

const read = async (path: string): Promise<Secret | undefined> => {
  try {
    const { mode } = await stat(path)
    // Windows has no such mode bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      refuse(path, 'can be read by others', `mode 0600: chmod 600 ${path}`)
    }
    const text = (await readFile(path, 'utf8')).trim()
    return text.length < 32
      ? refuse(path, 'is cut or empty', 'the root key as it was made; restore it from a backup')
      : new Secret(text)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The root key in the data folder, made on the first start: written and synced under another name, then linked, so that a crash leaves
 * no half a key and of two processes both use the first one's.
 * @throws ConfigFaults when the file is readable by others, cut, or the folder cannot be written.
 */
export const rootKeyOf = async (dataFolder: string): Promise<Secret> => {
  const path = join(dataFolder, 'root.key')
  try {
    const present = await read(path)
    if (present !== undefined) return present
    await mkdir(dataFolder, { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('base64')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    try {
      await link(draft, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    } finally {
      await unlink(draft)
    }
    const folder = await open(dataFolder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    return (await read(path)) ?? refuse(path, 'vanished while it was made', 'a data folder that stays')
  } catch (error) {
    if (error instanceof ConfigFaults) throw error
    return refuse(path, `cannot be read or made (${codeOf(error)})`, 'a data folder that this user may write')
  }
}
