/** Buckets of durations grow by a tenth, so a percentile is off by at most a twentieth. The first ends at 0.1 ms. */
const FIRST_MS = 0.1
const GROWTH = 1.1
const logGrowth = Math.log(GROWTH)

/** The last takes all that is longer than about half an hour. */
export const latencyBuckets = 176

/** The bucket of a duration. */
export const bucketOf = (milliseconds: number): number =>
  milliseconds <= FIRST_MS ? 0 : Math.min(latencyBuckets - 1, Math.ceil(Math.log(milliseconds / FIRST_MS) / logGrowth))

/** The middle of a bucket, by the geometric mean. */
const middleOf = (bucket: number): number => (bucket === 0 ? FIRST_MS : FIRST_MS * GROWTH ** (bucket - 0.5))

/** A quantile (0.95) of counted buckets, in milliseconds; null where nothing was counted. Nearest rank. */
export const quantileOf = (counts: ReadonlyMap<number, number>, quantile: number): number | null => {
  let total = 0
  for (const count of counts.values()) total += count
  if (total === 0) return null
  let left = Math.max(1, Math.ceil(total * quantile))
  for (const bucket of [...counts.keys()].sort((one, other) => one - other)) {
    left -= counts.get(bucket) ?? 0
    if (left <= 0) return Math.round(middleOf(bucket) * 100) / 100
  }
  return null
}
