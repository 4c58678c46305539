import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { findKeys } from './find-keys.ts'

/** Names and paths that are not looked at, as `.secretlintignore` lists them. */
export const ignoredPaths = (root: string): string[] =>
  readFileSync(join(root, '.secretlintignore'), 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [line.replace(/\/$/, '')]))

/** Whether a path of the repository is looked at. */
export const isLookedAt = (path: string, ignored: readonly string[]): boolean =>
  !ignored.some((one) => path === one || path.startsWith(`${one}/`) || path.split('/').includes(one))

/** Keys of Headgate in the files below `root`, or in those named; a true one only, by its checksum. */
export const keyProblems = (root: string, files?: readonly string[]): string[] => {
  const ignored = ignoredPaths(root)
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!isLookedAt(path, ignored)) return []
      return entry.isDirectory() ? below(path) : entry.isFile() ? [path] : []
    })
  return (files ?? below('')).flatMap((path) =>
    statSync(join(root, path)).isFile()
      ? findKeys(readFileSync(join(root, path), 'latin1')).map((found) => `${path}: ${found}`)
      : [],
  )
}
