/** A point of a series. */
export interface Point {
  readonly x: number
  readonly y: number
}

const median = (values: number[]): number => {
  values.sort((left, right) => left - right)
  const middle = values.length >> 1
  const upper = values[middle] as number
  return values.length % 2 === 1 ? upper : ((values[middle - 1] as number) + upper) / 2
}

/**
 * The slope of a series as the median of the slopes between all its pairs, which a third of wild points does not move (Theil 1950, Sen
 * 1968). null without two points that differ in x.
 */
export const slopeOf = (points: readonly Point[]): number | null => {
  const slopes: number[] = []
  for (const [index, { x, y }] of points.entries())
    for (const later of points.slice(index + 1)) if (later.x !== x) slopes.push((later.y - y) / (later.x - x))
  return slopes.length === 0 ? null : median(slopes)
}

/**
 * How surely a series rises, in standard deviations of what chance alone would bring (Mann 1945, Kendall 1975): beyond 3.3 chance
 * would do it once in two thousand. Points in the order of x.
 */
export const certaintyOf = (points: readonly Point[]): number => {
  const count = points.length
  let rises = 0
  for (const [index, { y }] of points.entries())
    for (const later of points.slice(index + 1)) rises += Math.sign(later.y - y)
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18)
  return rises === 0 || deviation === 0 ? 0 : (rises - Math.sign(rises)) / deviation
}
