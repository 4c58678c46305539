import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface LockedPackage {
  version?: string
  resolved?: string
  integrity?: string
  link?: boolean
  hasInstallScript?: boolean
  dev?: boolean
  optional?: boolean
  os?: string[]
}

/**
 * The lock file must install anywhere: no download host is written down (npm asks the configured registry), nothing comes
 * from git or a URL and every package carries its checksum. One kind may lack it: a development tool's binary for another
 * platform, which a registry may not offer where the lock file is written, and which npm ci still wants named.
 */
const isForeignTool = ({ dev, optional, os }: LockedPackage): boolean => dev === true && optional === true && !!os

/** Everything that is wrong with the lock file of a checkout. */
export const lockfileProblems = (root: string): string[] => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  return Object.entries(lock.packages).flatMap(([path, entry]) => {
    if (!path.includes('node_modules/') || entry.link) return []
    const problems: string[] = []
    if (entry.resolved)
      problems.push(`${path}: names where it was downloaded; reinstall with the .npmrc of this repository`)
    if (!entry.integrity && !isForeignTool(entry))
      problems.push(`${path}: has no checksum; depend on a published version instead of git or a URL`)
    if (!/^\d/.test(entry.version ?? '')) problems.push(`${path}: is not a published version`)
    return problems
  })
}
