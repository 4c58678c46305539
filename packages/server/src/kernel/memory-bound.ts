import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'

/** The memory that this process may have, and who says so. */
export interface MemoryBound {
  readonly bytes: number
  readonly source: 'cgroup' | 'machine'
  /** Bytes that count against it now and that the kernel cannot take back; null where only this process is known. */
  readonly used: () => number | null
}

/** Beyond this a limit is none: version 1 writes the largest number of pages. */
const NO_LIMIT = 2 ** 53

/** What the two versions of control groups call the same things. */
const versions = [
  {
    line: /^0::(\/.*)$/m,
    mount: 'sys/fs/cgroup',
    limit: 'memory.max',
    usage: 'memory.current',
    reclaimable: /^(?:inactive_file|active_file|slab_reclaimable) (\d+)$/gm,
  },
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m,
    mount: 'sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    reclaimable: /^(?:total_inactive_file|total_active_file) (\d+)$/gm,
  },
] as const

const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** A folder and all above it: inside a container the path may be that of the machine, which is not there. */
const withParents = (path: string): string[] => {
  const names = path.split('/').filter((name) => name !== '' && name !== '..')
  return names.map((_, index) => names.slice(0, names.length - index).join('/')).concat('')
}

/**
 * Looks for the tightest limit of a control group (version 2 or 1) above this process; without one the machine's memory
 * is the bound. A group's use counts whoever lives in it, such as an embedded PostgreSQL, without the pages of files that the
 * kernel gives up when it needs room. `root` is another place to look, for tests.
 */
export const findMemoryBound = (root = '/'): MemoryBound => {
  const groups = textOf(join(root, 'proc/self/cgroup')) ?? ''
  let tightest: { bytes: number; used: () => number | null } | null = null
  for (const { line, mount, limit, usage, reclaimable } of versions) {
    const path = line.exec(groups)?.[1]
    if (path === undefined) continue
    for (const folder of withParents(path)) {
      const place = join(root, mount, folder)
      // `max` is no number.
      const bytes = Number(textOf(join(place, limit)) ?? NaN)
      if (!(bytes > 0 && bytes < NO_LIMIT) || (tightest !== null && bytes >= tightest.bytes)) continue
      const used = (): number | null => {
        const all = Number(textOf(join(place, usage)) ?? NaN)
        if (!Number.isFinite(all)) return null
        let free = 0
        for (const [, count] of (textOf(join(place, 'memory.stat')) ?? '').matchAll(reclaimable)) free += Number(count)
        return Math.max(0, all - free)
      }
      tightest = { bytes, used }
    }
  }
  const machine = totalmem()
  if (tightest !== null && tightest.bytes < machine) return { ...tightest, source: 'cgroup' }
  return { bytes: machine, source: 'machine', used: () => null }
}
