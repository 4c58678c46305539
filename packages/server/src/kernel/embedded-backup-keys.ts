import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'
import { readSealed, textBytes, type Vault } from './embedded-backup-sealed.ts'

/** Backups of the root key are kept this long, and the newest in any case. */
const KEPT_MS = 7 * 86_400_000
const fileName = /^(\d{13})\.age$/

/** The root key where it is a file of the data folder; null where it comes from elsewhere. */
export const rootKeyFile = (dataDirectory: string): Promise<string | null> =>
  readFile(join(dataDirectory, 'root.key'), 'utf8').then(
    (text) => text.trim(),
    () => null,
  )

/** Writes the root key into the folder of keys, and removes those that are too old. @throws AppError `backup_failed` */
export const backUpRootKey = async (vault: Vault, folder: string, rootKey: string, now: number): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await vault.write(join(folder, `${now}.age`), textBytes(JSON.stringify({ format: 1, root_key: rootKey })))
  const old = (await readdir(folder)).filter((name) => Number(fileName.exec(name)?.[1] ?? now) < now - KEPT_MS)
  for (const name of old) await rm(join(folder, name), { force: true })
}

/** The root keys in a folder of keys, the newest first. @throws AppError `backup_key_wrong`, `backup_damaged` */
export const readRootKeys = async (folder: string, identities: readonly string[]): Promise<string[]> => {
  const names = (await readdir(folder).catch(() => [] as string[])).filter((name) => fileName.test(name)).sort()
  const keys = new Set<string>()
  for (const name of names.reverse()) {
    const path = join(folder, name)
    const text = (await readSealed(path, identities)).toString()
    try {
      keys.add((JSON.parse(text) as { root_key: string }).root_key)
    } catch (cause) {
      throw new AppError('backup_damaged', { cause, detail: `${path} is no backup of a root key.` })
    }
  }
  return [...keys]
}

/** The identities in a file of age: a line each, with comments. @throws AppError `backup_key_wrong` */
export const readIdentities = async (path: string | undefined): Promise<string[]> => {
  if (path === undefined) return []
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new AppError('backup_key_wrong', { cause, detail: `${path} cannot be read.` })
  })
  const identities = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (identities.length === 0 || identities.some((line) => !line.startsWith('AGE-SECRET-KEY-')))
    throw new AppError('backup_key_wrong', { detail: `${path} holds no identity of age (AGE-SECRET-KEY-…).` })
  return identities
}
