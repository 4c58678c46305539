import { parseObjectList } from './embedded-backup-check.ts'
import { type FoundManifest, parseManifest } from './embedded-backup-repository.ts'
import { readSegmentName } from './embedded-backup-segments.ts'
import type { Shelf } from './embedded-backup-shelf.ts'

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

const segmentFile = /^wal\/[^/]+\/([0-9A-F]{24})-[0-9a-f]{64}\.age$/
const objectFile = /^objects\/[^/]+\/([0-9a-f]{64})\.age$/
const manifestFile = /^base\/([^/]+)\/manifest\.json$/

/** Removes backups that the ladder does not keep, and what of the WAL and of contents only they needed. @throws AppError `backup_damaged`, `backup_failed` */
export const pruneBackups = async (shelf: Shelf, ladder: Ladder): Promise<readonly string[]> => {
  const files = await shelf.list()
  const manifests: FoundManifest[] = []
  for (const { path } of files) {
    const id = manifestFile.exec(path)?.[1]
    if (id !== undefined) manifests.push(parseManifest((await shelf.read(path))?.toString() ?? '', id, path))
  }
  manifests.sort((one, other) => (one.id < other.id ? -1 : 1))
  const kept = keptBy(
    ladder,
    manifests.map(({ id, evidence }) => ({ id, at: Date.parse(evidence.at) })),
  )
  const gone = manifests.filter(({ id }) => !kept.has(id))
  const left = manifests.filter(({ id }) => kept.has(id))
  if (gone.length === 0) return []
  const named = new Set<string>()
  for (const manifest of left) {
    const path = `base/${manifest.id}/objects.list`
    const text = manifest.objects === null ? '' : ((await shelf.read(path))?.toString() ?? '')
    for (const name of parseObjectList(text, manifest, path)) named.add(name)
  }
  // The manifest first: without it nothing looks like a backup any more.
  for (const { id } of gone) {
    await shelf.remove(`base/${id}/manifest.json`)
    for (const { path } of files) if (path.startsWith(`base/${id}/`)) await shelf.remove(path)
  }
  const begun = Math.min(...left.map(({ started_at }) => Date.parse(started_at)))
  for (const { path, at } of files) {
    if (at >= begun) continue
    const segment = segmentFile.exec(path)?.[1]
    const object = objectFile.exec(path)?.[1]
    if (segment !== undefined) {
      const { timeline, number } = readSegmentName(segment)
      const needs = (one: FoundManifest) =>
        one.timeline === timeline && readSegmentName(one.start_segment).number <= number
      if (!left.some(needs)) await shelf.remove(path)
    } else if (object !== undefined && !named.has(object)) await shelf.remove(path)
  }
  return gone.map(({ id }) => id)
}
