import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Least days between the publication of a version and its coming into the lock file: most poisoned ones are found sooner. */
const LEAST_DAYS = 7

/** Written by `npm run releases`, the only part that asks the registry. */
export const releasesFile = 'package-releases.json'

/** When a version was published, and when it came into the lock file; days, UTC. */
export interface Release {
  readonly published: string
  readonly added: string
  /** Why a younger one was taken: a fix that could not wait. */
  readonly reason?: string
}

/** What `package-releases.json` holds. */
export interface Releases {
  /** In the lock file before publications were recorded; may only become fewer. */
  readonly before: readonly string[]
  readonly releases: Readonly<Record<string, Release>>
}

interface LockedPackage {
  readonly name?: string
  readonly version?: string
  readonly link?: boolean
}

/** What a lock file installs from the registry, as `name@version`, sorted. */
export const lockedReleases = (packages: Readonly<Record<string, LockedPackage>>): string[] => {
  const all = Object.entries(packages).flatMap(([path, { name, version, link }]) =>
    path.includes('node_modules/') && !link ? [`${name ?? path.split('node_modules/').at(-1)}@${version}`] : [],
  )
  return [...new Set(all)].sort()
}

const DAY = 86_400_000

/** Versions without a record, records without a version, and versions taken too young. */
export const releaseFaults = (locked: readonly string[], { before, releases }: Releases): string[] => {
  const known = new Set([...before, ...Object.keys(releases)])
  return [
    ...locked
      .filter((one) => !known.has(one))
      .map((one) => `${one}: run npm run releases, which records its publication`),
    ...[...known]
      .filter((one) => !locked.includes(one))
      .map((one) => `${one}: is not locked any more; run npm run releases`),
    ...Object.entries(releases).flatMap(([one, { published, added, reason }]) => {
      const days = Math.floor((Date.parse(added) - Date.parse(published)) / DAY)
      if (Number.isNaN(days)) return [`${one}: says no days of publication and coming`]
      return days < LEAST_DAYS && !reason
        ? [`${one}: was ${days} days old when it came; wait until it is ${LEAST_DAYS}, or say its reason`]
        : []
    }),
  ]
}

/** The lock file and the record of a checkout. */
export const readReleases = (root: string): { locked: string[]; record: Releases } => {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))
  const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> }
  const record = existsSync(join(root, releasesFile)) ? (read(releasesFile) as Releases) : { before: [], releases: {} }
  return { locked: lockedReleases(packages), record }
}

/** The faults of a checkout; nothing but its files is asked. */
export const releaseProblems = (root: string): string[] => {
  const { locked, record } = readReleases(root)
  return releaseFaults(locked, record)
}
