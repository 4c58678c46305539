import { join } from 'node:path'
import { type FoundManifest, listBackups, readManifest } from './embedded-backup-repository.ts'
import { nameSegment } from './embedded-backup-segments.ts'
import type { Shelf } from './embedded-backup-shelf.ts'

/** Which base backups are wanted whole, once the manifests of all are there. */
export type Wanted = (directory: string) => Promise<readonly FoundManifest[]>

/** The named base backup, or all. @throws AppError `backup_not_found`, `backup_damaged` */
export const namedBackups =
  (id: string | undefined): Wanted =>
  async (directory) => {
    const manifests: FoundManifest[] = []
    for (const one of id === undefined ? await listBackups(directory) : [id])
      manifests.push(await readManifest(directory, one))
    return manifests
  }

const segmentFile = /^wal\/[^/]+\/([0-9A-F]{24})-[0-9a-f]{64}\.age$/

/**
 * Makes a folder of backups of what a shelf holds: the manifests of all, and of those that are wanted the pack, the WAL from the first that
 * they need on, and the contents. Nothing is checked here; whoever reads the folder does. @throws AppError `backup_failed`
 */
export const fetchBackups = async (shelf: Shelf, directory: string, wanted: Wanted): Promise<void> => {
  const files = await shelf.list()
  const fetch = (path: string) => shelf.fetch(path, join(directory, path))
  const isSmall = (path: string) =>
    /^base\/[^/]+\/manifest\.json$|^wal\/head\.json$|^erasures\.age$|^drills\//.test(path)
  for (const { path } of files) if (isSmall(path)) await fetch(path)
  const manifests = await wanted(directory)
  if (manifests.length === 0) return
  const ids = new Set(manifests.map(({ id }) => id))
  const isNeeded = (path: string): boolean => {
    if (path.startsWith('base/')) return ids.has(path.split('/')[1] ?? '')
    const segment = segmentFile.exec(path)?.[1]
    if (segment === undefined) return true
    // Timelines begin where an earlier one ended, so of others everything may be needed.
    return manifests.some(
      ({ timeline, start_segment: first }) =>
        !segment.startsWith(nameSegment(timeline, 0n).slice(0, 8)) || segment >= first,
    )
  }
  for (const { path } of files) if (!isSmall(path) && isNeeded(path)) await fetch(path)
}
