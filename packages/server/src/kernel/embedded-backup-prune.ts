import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readObjectList } from './embedded-backup-check.ts'
import { type FoundManifest, listBackups, placesIn, readManifest } from './embedded-backup-repository.ts'
import { listArchive } from './embedded-backup-ship.ts'
import { readSegmentName, segmentName } from './embedded-backup-segments.ts'

/** How many hours, days and weeks (UTC) keep a backup: of each the first one. */
export interface Ladder {
  readonly hourly: number
  readonly daily: number
  readonly weekly: number
}

const DAY_MS = 86_400_000
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const MONDAY_MS = 3 * DAY_MS

const steps = [
  { name: 'hourly', of: (time: number) => Math.floor(time / 3_600_000) },
  { name: 'daily', of: (time: number) => Math.floor(time / DAY_MS) },
  { name: 'weekly', of: (time: number) => Math.floor((time + MONDAY_MS) / (7 * DAY_MS)) },
] as const

/**
 * Which backups stay: the newest always, and the first one of each of the newest hours, days and weeks that have any. Of the first ones
 * everything that came later can be reached through the WAL.
 */
export const keptBy = (
  ladder: Ladder,
  backups: readonly { readonly id: string; readonly at: number }[],
): Set<string> => {
  const oldestFirst = [...backups].sort((left, right) => left.at - right.at)
  const kept = new Set(oldestFirst.slice(-1).map(({ id }) => id))
  for (const { name, of } of steps) {
    const firsts = new Map<number, string>()
    for (const { id, at } of oldestFirst) if (!firsts.has(of(at))) firsts.set(of(at), id)
    const newest = [...firsts.values()].reverse().slice(0, ladder[name])
    for (const id of newest) kept.add(id)
  }
  return kept
}

/** Removes backups that the ladder does not keep, and what of the WAL and of contents only they needed. */
export const pruneBackups = async (directory: string, ladder: Ladder): Promise<readonly string[]> => {
  const places = placesIn(directory)
  const manifests: FoundManifest[] = []
  for (const id of await listBackups(directory)) manifests.push(await readManifest(directory, id))
  const kept = keptBy(
    ladder,
    manifests.map(({ id, evidence }) => ({ id, at: Date.parse(evidence.at) })),
  )
  const gone = manifests.filter(({ id }) => !kept.has(id))
  const left = manifests.filter(({ id }) => kept.has(id))
  if (gone.length === 0) return []
  // The manifest first: without it nothing looks like a backup any more.
  for (const { id } of gone) {
    await rm(places.manifest(id))
    await rm(places.base(id), { recursive: true, force: true })
  }
  const begun = Math.min(...left.map(({ started_at }) => Date.parse(started_at)))
  const isOld = async (path: string): Promise<boolean> => (await stat(path)).mtimeMs < begun
  for (const [name, files] of await listArchive(directory)) {
    if (!segmentName.test(name)) continue
    const { timeline, number } = readSegmentName(name)
    const needed = left.some((one) => one.timeline === timeline && readSegmentName(one.start_segment).number <= number)
    for (const { path } of files) if (!needed && (await isOld(path))) await rm(path)
  }
  const named = new Set<string>()
  for (const manifest of left) for (const name of await readObjectList(directory, manifest)) named.add(`${name}.age`)
  for (const folder of await readdir(places.objects).catch(() => [] as string[]))
    for (const file of await readdir(join(places.objects, folder))) {
      const path = join(places.objects, folder, file)
      if (!named.has(file) && (await isOld(path))) await rm(path)
    }
  return gone.map(({ id }) => id)
}
