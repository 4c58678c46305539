import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

const MEBIBYTE = 1_048_576
/** V8 counts three half spaces of the young generation into the limit that it tells. */
const HALF_SPACES = 3
/** Without flags the young generation grows to this part of what V8 tells. */
const YOUNG_SHARE = 192 / 4_288
const young: ReadonlySet<string> = new Set(['new_space', 'new_large_object_space'])

/** The value of the last flag of this name, in mebibytes. */
const flagOf = (flags: readonly string[], name: string): number | null => {
  let found: number | null = null
  for (const flag of flags) {
    const [key = '', value] = flag.split('=', 2)
    if (key.replaceAll('_', '-') === name && Number(value) > 0) found = Number(value) * MEBIBYTE
  }
  return found
}

/**
 * Bytes at which V8 ends the process: those of the old generation. What it tells as its limit has the young generation in it, which with
 * `--max-old-space-size` alone may be larger than the old one, so a share of it may never be reached. `flags` are those that Node.js was started with.
 */
export const oldGenerationLimit = (flags: readonly string[], told = getHeapStatistics().heap_size_limit): number => {
  const old = flagOf(flags, '--max-old-space-size')
  if (old !== null) return Math.min(old, told)
  const half = flagOf(flags, '--max-semi-space-size')
  return half === null ? told * (1 - YOUNG_SHARE) : Math.max(told / 2, told - half * HALF_SPACES)
}

/** Bytes that count against it. */
export const oldGenerationBytes = (): number =>
  getHeapSpaceStatistics().reduce(
    (sum, { space_name: name, space_used_size: used }) => (young.has(name) ? sum : sum + used),
    0,
  )
